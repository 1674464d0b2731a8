#include "engine/simd/gemm_kernel.h"

namespace beak::simd {
namespace {

struct Avx512 {
  typedef float Vector __attribute__((vector_size(64)));
  typedef float InMemory __attribute__((vector_size(64), aligned(4), may_alias));
};

}  // namespace

void GemmAvx512(const GemmPanels& panels) {
  if (panels.panel_width == 16) return GemmLoops<Avx512, 1, 8, 1>::Run(panels);
  if (panels.panel_width == 32) return GemmLoops<Avx512, 2, 8, 1>::Run(panels);
  GemmLoops<Avx512, 4, 6, 2>::Run(panels);
}

}  // namespace beak::simd
