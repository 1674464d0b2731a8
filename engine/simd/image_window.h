#pragma once

#include <cstdint>

namespace beak::simd {

// How the window of a convolution goes over an image. A value type.
struct ImageWindow {
  int64_t rows = 0, columns = 0;  // of the input
  int64_t output_rows = 0, output_columns = 0;
  int64_t kernel_rows = 1, kernel_columns = 1, row_stride = 1, column_stride = 1, row_dilation = 1, column_dilation = 1;
  int64_t row_pad = 0, column_pad = 0;  // zeros before the first row and column

  // Of a plane of the input with zeros around it, as far as windows reach.
  int64_t padded_rows() const { return (output_rows - 1) * row_stride + (kernel_rows - 1) * row_dilation + 1; }
  int64_t padded_columns() const {
    return (output_columns - 1) * column_stride + (kernel_columns - 1) * column_dilation + 1;
  }
};

// A plane of `x`, with `lanes` channels side by side in each pixel, goes to `to` and zeros around it: loops need not
// ask where the image ends. Pixels that no window reaches are left out.
void CopyWithZeros(const ImageWindow& window, int64_t lanes, const float* x, float* to);

}  // namespace beak::simd
