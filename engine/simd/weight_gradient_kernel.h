#pragma once

#include <cstdint>

#include "engine/simd/vectors.h"

// The loops of simd/weight_gradient.h, compiled for AVX2. Nothing but vectors.h may be included here: see
// gemm_kernel.h.
namespace beak::simd {

// One image: a block of 8 channels of x, and one or two blocks of 8 filters of dy. Strides in elements.
struct WeightGradientLoop {
  const float* x;                     // with its padding; where the first window begins
  int64_t x_row, x_column;            // from pixel to pixel of the window
  int64_t x_row_step, x_column_step;  // from window to window
  const float* dy[2];                 // pixels that follow each other; the second one null where there is one block
  int64_t output_rows, output_columns;
  int64_t kernel_rows, kernel_columns;  // columns: 2 to 5
  float* dw[2];                         // of each block of filters [row, column, channel, filter]: is added to
};

void WeightGradientAvx2(const WeightGradientLoop& loop);

}  // namespace beak::simd

namespace {

// Isa is one of vectors_<isa>.h with 8 lanes.
template <typename Isa>
class WeightGradientLoops {
 public:
  using Loop = beak::simd::WeightGradientLoop;

  static void Run(const Loop& p) {
    switch (p.kernel_columns) {
      case 2:
        return Columns<2, 3>(p);
      case 3:
        return Columns<3, 2>(p);
      case 4:
        return Columns<4, 1>(p);
      default:
        return Columns<5, 1>(p);
    }
  }

 private:
  using Vector = typename Isa::Vector;
  static constexpr int64_t kLanes = kLanesOf<Isa>;

  // Of `kColumns` elements of a row of the window, two blocks of filters for kChannels channels at a time, or one block
  // for twice as many: as many sums as stay in registers, each of which waits for nothing.
  template <int kColumns, int kChannels>
  static void Columns(const Loop& p) {
    if (p.dy[1] != nullptr) {
      AllChannels<kColumns, kChannels, 2>(p);
    } else {
      AllChannels<kColumns, 2 * kChannels, 1>(p);
    }
  }

  template <int kColumns, int kChannels, int kBlocks>
  static void AllChannels(const Loop& p) {
    for (int64_t row = 0; row < p.kernel_rows; ++row) {
      int64_t channel = 0;
      for (; channel + kChannels <= kLanes; channel += kChannels) Tile<kColumns, kChannels, kBlocks>(p, row, channel);
      for (; channel < kLanes; ++channel) Tile<kColumns, 1, kBlocks>(p, row, channel);
    }
  }

  template <int kColumns, int kChannels, int kBlocks>
  static void Tile(const Loop& p, int64_t row, int64_t channel) {
    Vector sums[kColumns][kChannels][kBlocks] = {};
    const float* dy[kBlocks];
    for (int b = 0; b < kBlocks; ++b) dy[b] = p.dy[b];
    const float* x_row = p.x + row * p.x_row + channel;
    const int64_t columns = p.output_columns, step = p.x_column_step, next = p.x_column;
    for (int64_t y = 0; y < p.output_rows; ++y, x_row += p.x_row_step) {
      const float* x = x_row;
      for (int64_t i = 0; i < columns; ++i, x += step) {
        Vector gradient[kBlocks];
#pragma GCC unroll 2
        for (int b = 0; b < kBlocks; ++b) gradient[b] = Load<Isa, true>(dy[b] + i * kLanes, kLanes);
#pragma GCC unroll 5
        for (int k = 0; k < kColumns; ++k) {
#pragma GCC unroll 6
          for (int c = 0; c < kChannels; ++c) {
            const Vector element = Isa::Broadcast(x + k * next + c);
#pragma GCC unroll 2
            for (int b = 0; b < kBlocks; ++b) sums[k][c][b] += element * gradient[b];
          }
        }
      }
      for (int b = 0; b < kBlocks; ++b) dy[b] += columns * kLanes;
    }
    // Unrolled too: sums that are looked up by a number would lie in memory all the time.
#pragma GCC unroll 5
    for (int k = 0; k < kColumns; ++k) {
#pragma GCC unroll 6
      for (int c = 0; c < kChannels; ++c) {
#pragma GCC unroll 2
        for (int b = 0; b < kBlocks; ++b) {
          float* const to = p.dw[b] + ((row * kColumns + k) * kLanes + channel + c) * kLanes;
          Store<Isa, true>(Load<Isa, true>(to, kLanes) + sums[k][c][b], kLanes, to);
        }
      }
    }
  }
};

}  // namespace
