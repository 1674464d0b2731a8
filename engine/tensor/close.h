#pragma once

#include "absl/status/status.h"
#include "engine/tensor/tensor.h"

namespace beak {

// OK when `actual` is `expected`: the same type and shape; integers equal; floats within rtol 1e-3 and atol 1e-5 times
// the largest expected magnitude, at least 1 (float16: rtol 1e-2); NaN and infinities where expected. Otherwise
// INTERNAL, which says where they differ most and by how much.
absl::Status ExpectClose(const Tensor& actual, const Tensor& expected);

}  // namespace beak
