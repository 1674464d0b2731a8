#include "engine/simd/gemm_kernel.h"
#include "engine/simd/vectors_avx2.h"

namespace beak::simd {

void GemmAvx2(const GemmPanels& panels) {
  if (panels.panel_width == 8) return GemmLoops<Avx2, 1, 6, 4>::Run(panels);
  GemmLoops<Avx2, 2, 6, 4>::Run(panels);
}

}  // namespace beak::simd
