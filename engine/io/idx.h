#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "engine/tensor/tensor.h"

namespace beak {

// The array of an IDX file, the format of MNIST: uint8, int8, int16, int32, float32 or float64, up to our rank. Nobody
// needs to have checked the bytes. INVALID_ARGUMENT for what is no such file, is cut short or has bytes left over;
// RESOURCE_EXHAUSTED for shapes above the limits. Source: yann.lecun.com/exdb/mnist, "The IDX file format".
absl::StatusOr<Tensor> ParseIdx(std::string_view bytes);

}  // namespace beak
