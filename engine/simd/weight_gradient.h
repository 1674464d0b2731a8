#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/simd/image_window.h"

namespace beak::simd {

// The gradient of the weights of a convolution whose input and output lie in blocks of 8 channels: what oneDNN calls
// nChw8c. A value type.
struct BlockedConvolution {
  ImageWindow window;
  int64_t images = 0;
  int64_t input_blocks = 0, output_blocks = 0;  // of x and dy
  int64_t filters = 0;                          // that are there of the output blocks
  int threads = 1;

  size_t scratch_bytes() const;  // aligned for float
};

// Whether there is a loop for it: on machines with AVX2, for windows of 2 to 5 columns. There is none for others: with
// one column the sums of a tile would be too few to hide what a multiply-add takes, with more they leave the registers.
bool HasBlockedWeightGradient(const BlockedConvolution& convolution);

// dw[output block, input block, row, column, input channel, output channel] and, where it is not null, dbias[filter].
// Threads share the blocks, and the images where there are few blocks: the same bits for the same number of threads.
// REQUIRES: HasBlockedWeightGradient.
void WeightGradient(const BlockedConvolution& convolution, const float* x, const float* dy, float* dw, float* dbias,
                    std::byte* scratch);

}  // namespace beak::simd
