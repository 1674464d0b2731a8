#include "engine/simd/vectors_avx2.h"
#include "engine/simd/weight_gradient_kernel.h"

namespace beak::simd {

void WeightGradientAvx2(const WeightGradientLoop& loop) { WeightGradientLoops<Avx2>::Run(loop); }

}  // namespace beak::simd
