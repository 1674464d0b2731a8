#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/tensor/tensor.h"

namespace beak::tools {

// Values to run a network with that nobody gave: floats in [0, 1), bytes and booleans of all kinds, and zeros for other
// integers, which are valid as whatever index they may be. The same for the same seed.
absl::StatusOr<Tensor> MakeInput(DType dtype, const Shape& shape, uint64_t seed);

// "float32 [1, 10]: min -3.2, max 1.5, mean 0.25, 2 not finite": for people.
std::string Summary(const Tensor& tensor);

}  // namespace beak::tools
