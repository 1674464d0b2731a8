#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/source.h"

namespace beak::data {

// The classes that a field's values are to be of: as many as said, as there are names, or, where neither is given, as
// the largest value asks for. A value type.
struct Classes {
  int64_t count = 0;
  std::vector<std::string> names;
};

// `source` with the scalars of an integer field known to be classes. Samples whose value is none are bad; the errors
// name sample, value and range. INVALID_ARGUMENT where the field is no integer scalar, names and count disagree, a
// name is given twice, or no sample is left.
absl::StatusOr<SourcePtr> WithClasses(SourcePtr source, const std::string& field, Classes classes, OnBadSample on_bad);

// The values of an integer scalar field, one a sample.
absl::StatusOr<std::vector<int64_t>> ReadScalars(const Source& source, const std::string& field);

}  // namespace beak::data
