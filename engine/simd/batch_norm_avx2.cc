#include "engine/simd/batch_norm_kernel.h"
#include "engine/simd/vectors_avx2.h"

namespace beak::simd {

using Loops = NormLoops<Avx2>;

void NormMomentsAvx2(const NormPiece& piece) { Loops::Moments(piece); }
void NormApplyAvx2(const NormPiece& piece) { piece.clamps ? Loops::Apply<true>(piece) : Loops::Apply<false>(piece); }
void NormSumsAvx2(const NormPiece& piece) { piece.clamps ? Loops::Sums<true>(piece) : Loops::Sums<false>(piece); }
void NormGradientAvx2(const NormPiece& piece) {
  piece.clamps ? Loops::Gradient<true>(piece) : Loops::Gradient<false>(piece);
}

}  // namespace beak::simd
