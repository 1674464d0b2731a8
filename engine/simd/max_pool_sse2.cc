#include "engine/simd/max_pool_kernel.h"
#include "engine/simd/vectors_sse2.h"

namespace beak::simd {

void MaxPoolSse2(const PoolLoop& loop) { PoolLoops<Sse2>::Largest(loop); }
void MaxPoolGradientSse2(const PoolLoop& loop) { PoolLoops<Sse2>::Gradient(loop); }

}  // namespace beak::simd
