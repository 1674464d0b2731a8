#pragma once

#include <cstdint>

#include "engine/simd/vectors.h"

// The loops of simd/max_pool.h, compiled once per instruction set. Nothing but vectors.h may be included here:
// see gemm_kernel.h.
namespace beak::simd {

// As PoolPlane, in plain pointers.
struct PoolLoop {
  int64_t input_rows, input_columns, output_rows, output_columns;
  const int64_t *rows, *columns;  // of each row and column of the output: first, count
  int64_t row_dilation, column_dilation;
  int64_t x_row, x_pixel, y_row, y_pixel, lanes;
  bool disjoint, covered, relu;  // no element in two windows; every element in one
  const float *x, *y, *dy;
  float* out;  // y of the forward loop, dx of the gradient
};

void MaxPoolSse2(const PoolLoop& loop);
void MaxPoolAvx2(const PoolLoop& loop);
void MaxPoolGradientSse2(const PoolLoop& loop);
void MaxPoolGradientAvx2(const PoolLoop& loop);

}  // namespace beak::simd

namespace {

// Isa is one of vectors_<isa>.h.
template <typename Isa>
class PoolLoops {
 public:
  using Loop = beak::simd::PoolLoop;

  static void Largest(const Loop& p) {
    ForEachWindow(p, [&]<bool kWhole>(int64_t from, int64_t to, int64_t rows, int64_t columns, int64_t lanes) {
      if (rows == 2 && columns == 2) {
        LargestOf<2, kWhole>(p, 2, 2, lanes, p.x + from, p.out + to);
      } else {
        LargestOf<0, kWhole>(p, rows, columns, lanes, p.x + from, p.out + to);
      }
    });
  }

  static void Gradient(const Loop& p) {
    if (!p.covered) Clear(p);
    ForEachWindow(p, [&]<bool kWhole>(int64_t from, int64_t to, int64_t rows, int64_t columns, int64_t lanes) {
      if (!p.disjoint) {
        GradientOf<0, kWhole, true>(p, rows, columns, lanes, from, to);
      } else if (rows == 2 && columns == 2) {
        GradientOf<2, kWhole, false>(p, 2, 2, lanes, from, to);
      } else {
        GradientOf<0, kWhole, false>(p, rows, columns, lanes, from, to);
      }
    });
  }

 private:
  using Vector = typename Isa::Vector;
  using Mask = typename Isa::Mask;

  static Vector Where(const Mask& mask, const Vector& vector) {
    return reinterpret_cast<Vector>(reinterpret_cast<Mask>(vector) & mask);
  }

  // kTaps: of each row and column of the window; 0 where they are counted at run time.
  template <int kTaps, bool kWhole>
  static void LargestOf(const Loop& p, int64_t row_taps, int64_t column_taps, int64_t lanes, const float* x, float* y) {
    const int64_t rows = kTaps > 0 ? kTaps : row_taps, columns = kTaps > 0 ? kTaps : column_taps;
    Vector largest = Load<Isa, kWhole>(x, lanes);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        const Vector in =
            Load<Isa, kWhole>(x + r * p.row_dilation * p.x_row + c * p.column_dilation * p.x_pixel, lanes);
        const Mask take = (in > largest) | (in != in);
        largest = take ? in : largest;
      }
    }
    Store<Isa, kWhole>(largest, lanes, y);
  }

  // kAdd: other windows may have given to the same elements before.
  template <int kTaps, bool kWhole, bool kAdd>
  static void GradientOf(const Loop& p, int64_t row_taps, int64_t column_taps, int64_t lanes, int64_t from,
                         int64_t to) {
    const int64_t rows = kTaps > 0 ? kTaps : row_taps, columns = kTaps > 0 ? kTaps : column_taps;
    const float* const x = p.x + from;
    float* const dx = p.out + from;
    const Vector largest = Load<Isa, kWhole>(p.y + to, lanes);
    Vector rest = Load<Isa, kWhole>(p.dy + to, lanes);
    if (p.relu) rest = Where(largest > Vector{}, rest);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = 0; c < columns; ++c) {
        const int64_t place = r * p.row_dilation * p.x_row + c * p.column_dilation * p.x_pixel;
        const Mask found = Load<Isa, kWhole>(x + place, lanes) == largest;
        Vector out = Where(found, rest);
        rest = Where(~found, rest);
        if constexpr (kAdd) out += Load<Isa, kWhole>(dx + place, lanes);
        Store<Isa, kWhole>(out, lanes, dx + place);
      }
    }
  }

  // Calls fn.operator()<kWhole>(offset in x, offset in y, taps of rows, taps of columns, lanes) for each window and
  // group of channels that a vector holds.
  template <typename Fn>
  static void ForEachWindow(const Loop& p, const Fn& fn) {
    for (int64_t row = 0; row < p.output_rows; ++row) {
      const int64_t row_first = p.rows[2 * row], row_taps = p.rows[2 * row + 1];
      for (int64_t column = 0; column < p.output_columns; ++column) {
        const int64_t column_first = p.columns[2 * column], taps = p.columns[2 * column + 1];
        const int64_t from = row_first * p.x_row + column_first * p.x_pixel, to = row * p.y_row + column * p.y_pixel;
        ForEachGroup<Isa>(p.lanes, [&]<bool kWhole>(int64_t lane, int64_t lanes) {
          fn.template operator()<kWhole>(from + lane, to + lane, row_taps, taps, lanes);
        });
      }
    }
  }

  static void Clear(const Loop& p) {
    for (int64_t row = 0; row < p.input_rows; ++row) {
      for (int64_t column = 0; column < p.input_columns; ++column) {
        float* const pixel = p.out + row * p.x_row + column * p.x_pixel;
        for (int64_t lane = 0; lane < p.lanes; ++lane) pixel[lane] = 0;
      }
    }
  }
};

}  // namespace
