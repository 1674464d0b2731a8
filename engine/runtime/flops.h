#pragma once

#include "engine/runtime/kernel.h"

namespace beak {

// Floating-point operations of a convolution or matrix product, 2 per multiply-add; 0 for every other operator, whose
// share of a network's time is bytes, not arithmetic.
double CountFlops(const KernelRequest& request);

}  // namespace beak
