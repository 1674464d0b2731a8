#include "engine/simd/gemm_kernel.h"

namespace beak::simd {
namespace {

struct Sse2 {
  typedef float Vector __attribute__((vector_size(16)));
  typedef float InMemory __attribute__((vector_size(16), aligned(4), may_alias));
};

}  // namespace

void GemmSse2(const GemmPanels& panels) { GemmLoops<Sse2, 2, 4, 2>::Run(panels); }

}  // namespace beak::simd
