#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/base/cpu.h"
#include "engine/simd/image_window.h"

namespace beak::simd {

// The gradient of the weights of a convolution over images of few channels, as the first one of a network is: the
// library's kernels work on eight channels at a time, whether they are there or not. A value type.
struct ImageConvolution {
  ImageWindow window;
  int64_t images = 0, channels = 0;  // of x, which is plain
  // dy: `filters` in planes of `lanes` that lie side by side in each pixel. Strides in elements.
  int64_t filters = 0, blocks = 0, lanes = 0;
  int64_t image_stride = 0, block_stride = 0;
  Isa isa = Isa::kSse2;  // kAvx512: the loops for AVX2
  int threads = 1;

  int64_t taps() const { return channels * window.kernel_rows * window.kernel_columns; }
  size_t scratch_bytes() const;  // aligned for int64_t
};

// dw[filter, channel, row, column] and, where it is not null, dbias[filter]. Each thread sums over images of its own:
// the same bits for the same number of threads.
void WeightGradient(const ImageConvolution& convolution, const float* x, const float* dy, float* dw, float* dbias,
                    std::byte* scratch);

}  // namespace beak::simd
