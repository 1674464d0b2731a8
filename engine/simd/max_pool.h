#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/cpu.h"

// Max pools and their gradients over planes of images, in any layout in which some channels lie side by side. Any
// number of them will do, but the loops go through a vector of channels at a time: with one channel they are scalar.
// kAvx512: the loops for AVX2.
namespace beak::simd {

// One place of the output along one dimension: which elements of the input its window covers.
struct PoolTaps {
  int64_t first = 0;  // position of the first one that lies inside the input
  int64_t count = 0;  // at least 1
};

// A plane of an image: rows of pixels, each of `lanes` channels side by side. Strides in elements. A value type.
struct PoolPlane {
  int64_t input_rows = 0, input_columns = 0;
  std::vector<PoolTaps> rows, columns;  // one a row and column of the output
  int64_t row_dilation = 1, column_dilation = 1;
  int64_t x_row = 0, x_pixel = 0;  // strides of the input
  int64_t y_row = 0, y_pixel = 0;  // of the output
  int64_t lanes = 1;
};

// y of x. Of a window with NaN in it: NaN.
void MaxPool(Isa isa, const PoolPlane& plane, const float* x, float* y);

// dx of x, y and dy: each window's dy goes to its first largest element. With `relu`, x is what a ReLU gave and dx is
// that of the ReLU's input: nothing goes to elements of 0.
void MaxPoolGradient(Isa isa, const PoolPlane& plane, bool relu, const float* x, const float* y, const float* dy,
                     float* dx);

}  // namespace beak::simd
