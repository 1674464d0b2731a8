#include "engine/simd/image_gradient_kernel.h"
#include "engine/simd/vectors_avx2.h"

namespace beak::simd {

void ImageGradientAvx2(const ImageGradientLoop& loop) { ImageGradientLoops<Avx2>::Run(loop); }

}  // namespace beak::simd
