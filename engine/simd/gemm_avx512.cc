#include "engine/simd/gemm_kernel.h"

namespace beak::simd {
namespace {

struct Avx512 {
  typedef float Vector __attribute__((vector_size(64)));
  typedef float InMemory __attribute__((vector_size(64), aligned(4), may_alias));
};
static_assert(kGemmWidthAvx512 == 64 / sizeof(float) * 4);

}  // namespace

void GemmAvx512(const GemmPanels& panels) { GemmLoops<Avx512, 4, 6, 2>::Run(panels); }

}  // namespace beak::simd
