#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

// Outputs that are a score per class. Pure.
namespace beak::cli {

struct ClassScore {
  double score = 0;
  int64_t index = 0;
  std::string label;  // empty: none known
};

// How many classes an output has a score for, or 0 where it is something else: of floating point, and apart from the
// batch of one dimension that is not 1 (so [n, 1000] and [n, 1000, 1, 1]), with 2 to 100000 classes.
int64_t CountClasses(const client::TensorMetadata& output, int max_batch_size);

// The classes in an answer to the classification extension, "value:index" or "value:index:label" each, a row for each
// input in the batch. INVALID_ARGUMENT where the tensor is no such answer.
absl::StatusOr<std::vector<std::vector<ClassScore>>> ParseClasses(const client::TensorValue& output);

}  // namespace beak::cli
