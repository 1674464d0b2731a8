#pragma once

#include <vector>

#include "absl/status/status.h"
#include "server/predict/request.h"

namespace beak {

// The weighted mean of tensors, element by element, summed in double precision in the order given. INVALID_ARGUMENT
// where their shapes or types differ, or the type is not a floating-point one. REQUIRES: at least one tensor; as many
// weights.
absl::Status Average(const std::vector<const OutputTensor*>& tensors, const std::vector<double>& weights,
                     OutputTensor* mean);

}  // namespace beak
