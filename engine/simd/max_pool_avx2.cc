#include "engine/simd/max_pool_kernel.h"
#include "engine/simd/vectors_avx2.h"

namespace beak::simd {

void MaxPoolAvx2(const PoolLoop& loop) { PoolLoops<Avx2>::Largest(loop); }
void MaxPoolGradientAvx2(const PoolLoop& loop) { PoolLoops<Avx2>::Gradient(loop); }

}  // namespace beak::simd
