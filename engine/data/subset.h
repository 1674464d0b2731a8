#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/source.h"

namespace beak::data {

// The samples of `source` with these numbers, in this order. INVALID_ARGUMENT for no number, one that is out of range,
// or one that comes twice.
absl::StatusOr<SourcePtr> MakeSubset(SourcePtr source, std::vector<int64_t> indices);

// The same with another schema for the samples and with what else was left out: for what checks a source and knows more
// of it then. REQUIRES: numbers in range, at least one; fields that differ in what is known of their classes only.
SourcePtr MakeView(SourcePtr source, std::vector<int64_t> indices, Schema schema, SkippedSamples skipped);

}  // namespace beak::data
