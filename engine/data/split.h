#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/source.h"

namespace beak::data {

// A data set in two parts that share no sample. (Parts that are files of their own are just two sources; compare them
// with FindOverlap.)
struct Split {
  SourcePtr training;
  SourcePtr held_out;
};

// Holds out about `fraction` of the samples, chosen by `seed` alone; each part keeps the order of the source. With
// `stratify_by`, a field of classes, it is about that fraction of each class: rounded down for each, and the samples
// that are then missing to the whole's fraction come from the classes that lost most by it. INVALID_ARGUMENT where one
// of the parts would be empty.
absl::StatusOr<Split> SplitByFraction(const SourcePtr& source, double fraction, uint64_t seed,
                                      const std::string& stratify_by = "");

// Holds out the samples with these numbers; the others are for training. INVALID_ARGUMENT as MakeSubset's.
absl::StatusOr<Split> SplitByIndices(const SourcePtr& source, std::vector<int64_t> held_out);

}  // namespace beak::data
