#pragma once

#include <cstdint>

#include "engine/simd/vectors.h"

// The loops of simd/image_gradient.h, compiled once per instruction set. Nothing but vectors.h may be included
// here: see gemm_kernel.h.
namespace beak::simd {

// One image and one plane of filters.
struct ImageGradientLoop {
  const float* x;                     // with its padding; where the first window begins
  int64_t x_row_step, x_column_step;  // from window to window
  const int64_t* taps;                // where each element of a window lies, from its beginning
  int64_t run;                        // of each so many of them, every one lies an element behind the one before it
  int64_t num_taps;
  const float* dy;
  int64_t output_rows, output_columns, lanes;
  float* sums;  // of each tap and then of dy itself, `sum_stride` apart: the plane's lanes are added
  int64_t sum_stride;
};

void ImageGradientSse2(const ImageGradientLoop& loop);
void ImageGradientAvx2(const ImageGradientLoop& loop);

}  // namespace beak::simd

namespace {

// Isa is one of vectors_<isa>.h.
template <typename Isa>
class ImageGradientLoops {
 public:
  using Loop = beak::simd::ImageGradientLoop;

  static void Run(const Loop& p) {
    ForEachGroup<Isa>(p.lanes, [&]<bool kWhole>(int64_t lane, int64_t count) { Lanes<kWhole>(p, lane, count); });
  }

 private:
  using Vector = typename Isa::Vector;
  static constexpr int kTaps = 9;  // sums that stay in registers; the multiply-adds of so many wait for nothing

  template <bool kWhole>
  static void Add(const Vector& vector, int64_t count, float* to) {
    Store<Isa, kWhole>(Load<Isa, kWhole>(to, count) + vector, count, to);
  }

  template <bool kWhole>
  static void Lanes(const Loop& p, int64_t lane, int64_t count) {
    SumOfDy<kWhole>(p, lane, count);
    switch (p.run) {
      case 3:
        return AllTaps<3, kWhole>(p, lane, count);
      case 5:
        return AllTaps<5, kWhole>(p, lane, count);
      case 7:
        return AllTaps<7, kWhole>(p, lane, count);
      default:
        return AllTaps<1, kWhole>(p, lane, count);
    }
  }

  // Runs of kRun taps, which need one address each.
  template <int kRun, bool kWhole>
  static void AllTaps(const Loop& p, int64_t lane, int64_t count) {
    constexpr int kRuns = kTaps / kRun;
    int64_t tap = 0;
    for (; tap + kRuns * kRun <= p.num_taps; tap += kRuns * kRun) Taps<kRuns, kRun, kWhole>(p, tap, lane, count);
    Rest<kRuns - 1, kRun, kWhole>(p, tap, lane, count);
  }

  template <int kRuns, int kRun, bool kWhole>
  static void Rest(const Loop& p, int64_t tap, int64_t lane, int64_t count) {
    if constexpr (kRuns > 0) {
      if (p.num_taps - tap == kRuns * kRun) return Taps<kRuns, kRun, kWhole>(p, tap, lane, count);
      Rest<kRuns - 1, kRun, kWhole>(p, tap, lane, count);
    }
  }

  template <bool kWhole>
  static void SumOfDy(const Loop& p, int64_t lane, int64_t count) {
    Vector sums[4] = {};
    const int64_t pixels = p.output_rows * p.output_columns;
    for (int64_t i = 0; i < pixels; ++i) sums[i % 4] += Load<Isa, kWhole>(p.dy + i * p.lanes + lane, count);
    Add<kWhole>((sums[0] + sums[1]) + (sums[2] + sums[3]), count, p.sums + p.num_taps * p.sum_stride + lane);
  }

  // kRuns runs from `tap` on.
  template <int kRuns, int kRun, bool kWhole>
  static void Taps(const Loop& p, int64_t tap, int64_t lane, int64_t count) {
    Vector sums[kRuns][kRun] = {};
    int64_t offsets[kRuns];
#pragma GCC unroll 9
    for (int r = 0; r < kRuns; ++r) offsets[r] = p.taps[tap + r * kRun];
    const float *dy = p.dy + lane, *x_row = p.x;
    const int64_t rows = p.output_rows, columns = p.output_columns, step = p.x_column_step, lanes = p.lanes;
    for (int64_t row = 0; row < rows; ++row, x_row += p.x_row_step) {
      const float* x = x_row;
      for (int64_t column = 0; column < columns; ++column, x += step, dy += lanes) {
        const Vector gradient = Load<Isa, kWhole>(dy, count);
#pragma GCC unroll 9
        for (int r = 0; r < kRuns; ++r) {
#pragma GCC unroll 9
          for (int t = 0; t < kRun; ++t) sums[r][t] += gradient * Isa::Broadcast(x + offsets[r] + t);
        }
      }
    }
    // Unrolled too: sums that are looked up by a number would lie in memory all the time.
#pragma GCC unroll 9
    for (int r = 0; r < kRuns; ++r) {
#pragma GCC unroll 9
      for (int t = 0; t < kRun; ++t) {
        Add<kWhole>(sums[r][t], count, p.sums + (tap + r * kRun + t) * p.sum_stride + lane);
      }
    }
  }
};

}  // namespace
