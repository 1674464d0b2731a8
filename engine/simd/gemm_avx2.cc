#include "engine/simd/gemm_kernel.h"

namespace beak::simd {
namespace {

struct Avx2 {
  typedef float Vector __attribute__((vector_size(32)));
  typedef float InMemory __attribute__((vector_size(32), aligned(4), may_alias));
};

}  // namespace

void GemmAvx2(const GemmPanels& panels) {
  if (panels.panel_width == 8) return GemmLoops<Avx2, 1, 6, 4>::Run(panels);
  GemmLoops<Avx2, 2, 6, 4>::Run(panels);
}

}  // namespace beak::simd
