#include "engine/simd/image_window.h"

#include <algorithm>
#include <cstring>

namespace beak::simd {

void CopyWithZeros(const ImageWindow& window, int64_t lanes, const float* x, float* to) {
  const int64_t padded_columns = window.padded_columns();
  const int64_t rows = std::min(window.rows, window.padded_rows() - window.row_pad);
  const int64_t columns = std::min(window.columns, padded_columns - window.column_pad);
  std::fill_n(to, window.padded_rows() * padded_columns * lanes, 0.0f);
  for (int64_t row = 0; row < rows && columns > 0; ++row) {
    std::memcpy(to + ((row + window.row_pad) * padded_columns + window.column_pad) * lanes,
                x + row * window.columns * lanes, static_cast<size_t>(columns * lanes) * sizeof(float));
  }
}

}  // namespace beak::simd
