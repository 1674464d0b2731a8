#include "engine/simd/batch_norm_kernel.h"
#include "engine/simd/vectors_sse2.h"

namespace beak::simd {

using Loops = NormLoops<Sse2>;

void NormMomentsSse2(const NormPiece& piece) { Loops::Moments(piece); }
void NormApplySse2(const NormPiece& piece) { piece.clamps ? Loops::Apply<true>(piece) : Loops::Apply<false>(piece); }
void NormSumsSse2(const NormPiece& piece) { piece.clamps ? Loops::Sums<true>(piece) : Loops::Sums<false>(piece); }
void NormGradientSse2(const NormPiece& piece) {
  piece.clamps ? Loops::Gradient<true>(piece) : Loops::Gradient<false>(piece);
}

}  // namespace beak::simd
