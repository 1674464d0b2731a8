#include "engine/simd/image_gradient_kernel.h"
#include "engine/simd/vectors_sse2.h"

namespace beak::simd {

void ImageGradientSse2(const ImageGradientLoop& loop) { ImageGradientLoops<Sse2>::Run(loop); }

}  // namespace beak::simd
