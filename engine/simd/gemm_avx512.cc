#include "engine/simd/gemm_kernel.h"
#include "engine/simd/vectors_avx512.h"

namespace beak::simd {

void GemmAvx512(const GemmPanels& panels) {
  if (panels.panel_width == 16) return GemmLoops<Avx512, 1, 8, 1>::Run(panels);
  if (panels.panel_width == 32) return GemmLoops<Avx512, 2, 8, 1>::Run(panels);
  GemmLoops<Avx512, 4, 6, 2>::Run(panels);
}

}  // namespace beak::simd
