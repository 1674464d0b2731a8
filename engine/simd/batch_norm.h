#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "engine/base/cpu.h"

// Batch normalisation by the statistics of the batch (Ioffe and Szegedy 2015, arXiv 1502.03167), and its gradient, on
// images whose channels lie side by side; each with the activation behind it, so that its memory is gone through once.
namespace beak::simd {

// Images of `blocks` planes, each of `pixels` pixels of `lanes` channels side by side; of blocks * lanes channels the
// first `channels` count, the others are padding and stay zero. Strides in elements. A value type.
struct NormPlanes {
  int64_t images = 0, blocks = 0, pixels = 0, lanes = 0, channels = 0;
  int64_t image_stride = 0, block_stride = 0, pixel_stride = 0;

  int64_t padded_channels() const { return blocks * lanes; }
};

// What every pass over the same planes has in common. A value type.
struct BatchNorm {
  NormPlanes planes;
  float epsilon = 0;
  // The activation: every element is held within these bounds, NaN stays. REQUIRES: 0 lies within them where there is
  // padding.
  float lower = -std::numeric_limits<float>::infinity();
  float upper = std::numeric_limits<float>::infinity();
  Isa isa = Isa::kSse2;  // kAvx512: the loops for AVX2; memory is what they wait for
  int threads = 1;

  // Of either pass: memory that is aligned for double.
  size_t scratch_bytes() const;
};

struct BatchNormForward {
  const float* x = nullptr;
  const float* residual = nullptr;  // added before the activation; null: none
  const float *scale = nullptr, *bias = nullptr;
  float *y = nullptr, *mean = nullptr, *variance = nullptr;  // the last one divided by n
  std::byte* scratch = nullptr;
};

struct BatchNormBackward {
  const float *x = nullptr, *dy = nullptr;  // dy: of what the activation gave
  const float* scale = nullptr;
  const float* bias = nullptr;  // null where there is no activation
  const float *mean = nullptr, *variance = nullptr;
  float* dx = nullptr;
  float *dscale = nullptr, *dbias = nullptr;  // null where they are not wanted
  std::byte* scratch = nullptr;
};

// The same bits on any number of threads: sums are made of pieces of a fixed size, each in float32, and these are added
// in double and in order.
void RunBatchNorm(const BatchNorm& norm, const BatchNormForward& operands);
void RunBatchNorm(const BatchNorm& norm, const BatchNormBackward& operands);

}  // namespace beak::simd
