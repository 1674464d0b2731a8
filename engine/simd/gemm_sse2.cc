#include "engine/simd/gemm_kernel.h"
#include "engine/simd/vectors_sse2.h"

namespace beak::simd {

void GemmSse2(const GemmPanels& panels) { GemmLoops<Sse2, 2, 4, 2>::Run(panels); }

}  // namespace beak::simd
