#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/source.h"

namespace beak::data {

// A field's values for all samples: [samples, ...]. A value type.
struct Column {
  std::string name;
  Tensor values;
  std::vector<std::string> value_names;  // see Field
};

// A data set that is held in memory, with what was left out of it. INVALID_ARGUMENT unless there is a column, each has
// the same number of samples, at least one, and a name of its own.
absl::StatusOr<SourcePtr> MakeArraySource(std::vector<Column> columns, SkippedSamples skipped = {});

}  // namespace beak::data
