#pragma once

#include <cstdint>

// The transforms of simd/winograd.h, compiled once per instruction set. Nothing else may be included here: see
// gemm_kernel.h.
namespace beak::simd {

// Where an image's elements lie, in elements: `lanes` channels of a pixel side by side, in blocks.
struct WinogradStrides {
  int64_t image, block, row, pixel, lanes;
};

// A run of tiles in plain pointers. Tile t of the chunk is the image's tile first_tile + t, counted over all images.
struct WinogradLoop {
  int64_t rows, columns, channels;               // of the input
  int64_t output_rows, output_columns, filters;  // of the output
  int64_t pad_top, pad_left;
  int64_t tile_columns, tiles_per_image;
  int64_t first_tile;
  WinogradStrides x_at, y_at;
  const float* x;
  float* y;
  float* inputs;  // 36 matrices [tiles of the chunk, channels], input_stride apart
  int64_t input_stride;
  const float* products;  // 36 matrices [tiles of the chunk, filters], product_stride apart
  int64_t product_stride;
  const float* bias;   // `filters` of them, or null
  bool accumulate;     // y holds what is added
  float lower, upper;  // every element is clamped to them
};

// Of the tiles first .. last-1 of the chunk.
void WinogradInputAvx2(const WinogradLoop& loop, int64_t first, int64_t last);
void WinogradInputAvx512(const WinogradLoop& loop, int64_t first, int64_t last);
// The same, of the filters first_filter .. last_filter-1: multiples of the vector's lanes.
void WinogradOutputAvx2(const WinogradLoop& loop, int64_t first, int64_t last, int64_t first_filter,
                        int64_t last_filter);
void WinogradOutputAvx512(const WinogradLoop& loop, int64_t first, int64_t last, int64_t first_filter,
                          int64_t last_filter);

}  // namespace beak::simd

namespace {

// Isa is one of vectors_<isa>.h. Lanes are channels: each is computed as if it were alone.
template <typename Isa>
class WinogradLoops {
 public:
  using Loop = beak::simd::WinogradLoop;

  static void Input(const Loop& p, int64_t first, int64_t last) {
    for (int64_t t = first; t < last; ++t) {
      const Tile tile = TileOf(p, t);
      const int64_t row = tile.row * 4 - p.pad_top, column = tile.column * 4 - p.pad_left;
      const bool inside = row >= 0 && column >= 0 && row + 6 <= p.rows && column + 6 <= p.columns;
      const float* const corner = p.x + tile.image * p.x_at.image + row * p.x_at.row + column * p.x_at.pixel;
      float* const to = p.inputs + t * p.channels;
      for (int64_t c = 0; c < p.channels; c += kLanes) {
        const float* const from = corner + c / p.x_at.lanes * p.x_at.block + c % p.x_at.lanes;
        if (inside) {
          TransformInput<true>(p, row, column, from, to + c);
        } else {
          TransformInput<false>(p, row, column, from, to + c);
        }
      }
    }
  }

  static void Output(const Loop& p, int64_t first, int64_t last, int64_t first_filter, int64_t last_filter) {
    for (int64_t t = first; t < last; ++t) {
      const Tile tile = TileOf(p, t);
      const int64_t row = tile.row * 4, column = tile.column * 4;
      const int64_t rows = Least(4, p.output_rows - row), columns = Least(4, p.output_columns - column);
      float* const corner = p.y + tile.image * p.y_at.image + row * p.y_at.row + column * p.y_at.pixel;
      for (int64_t f = first_filter; f < last_filter; f += kLanes) {
        float* const to = corner + f / p.y_at.lanes * p.y_at.block + f % p.y_at.lanes;
        TransformOutput(p, rows, columns, p.products + t * p.filters + f, f, to);
      }
    }
  }

 private:
  using Vector = typename Isa::Vector;
  using InMemory = typename Isa::InMemory;
  static constexpr int64_t kLanes = sizeof(Vector) / sizeof(float);

  struct Tile {
    int64_t image, row, column;
  };
  static Tile TileOf(const Loop& p, int64_t t) {
    const int64_t all = p.first_tile + t, in_image = all % p.tiles_per_image;
    return {all / p.tiles_per_image, in_image / p.tile_columns, in_image % p.tile_columns};
  }
  static int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }

  static Vector Load(const float* from) { return *reinterpret_cast<const InMemory*>(from); }
  static void Store(const Vector& vector, float* to) { *reinterpret_cast<InMemory*>(to) = vector; }

  // One column of B' d.
  static void TransformSix(const Vector d[6], Vector out[6]) {
    const Vector even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];
    const Vector near = d[4] - d[2], far = 2 * (d[3] - d[1]);
    out[0] = 4 * d[0] - 5 * d[2] + d[4];
    out[1] = even + odd;
    out[2] = even - odd;
    out[3] = near + far;
    out[4] = near - far;
    out[5] = 4 * d[1] - 5 * d[3] + d[5];
  }

  // B' d B. kInside: the whole patch lies in the image; else what does not is 0.
  template <bool kInside>
  static void TransformInput(const Loop& p, int64_t row, int64_t column, const float* from, float* to) {
    Vector half[6][6];  // [column][row]
    for (int64_t j = 0; j < 6; ++j) {
      Vector d[6];
      for (int64_t i = 0; i < 6; ++i) {
        const bool there = kInside || (row + i >= 0 && row + i < p.rows && column + j >= 0 && column + j < p.columns);
        d[i] = there ? Load(from + i * p.x_at.row + j * p.x_at.pixel) : Vector{};
      }
      TransformSix(d, half[j]);
    }
    for (int64_t i = 0; i < 6; ++i) {
      const Vector d[6] = {half[0][i], half[1][i], half[2][i], half[3][i], half[4][i], half[5][i]};
      Vector out[6];
      TransformSix(d, out);
      for (int64_t j = 0; j < 6; ++j) Store(out[j], to + (i * 6 + j) * p.input_stride);
    }
  }

  // One column of A' m.
  static void TransformFour(const Vector m[6], Vector out[4]) {
    const Vector sum = m[1] + m[2], difference = m[1] - m[2];
    const Vector far_sum = m[3] + m[4], far_difference = m[3] - m[4];
    out[0] = m[0] + sum + far_sum;
    out[1] = difference + 2 * far_difference;
    out[2] = sum + 4 * far_sum;
    out[3] = difference + 8 * far_difference + m[5];
  }

  // A' m A, of which rows x columns are wanted.
  static void TransformOutput(const Loop& p, int64_t rows, int64_t columns, const float* from, int64_t filter,
                              float* to) {
    Vector half[6][4];  // [column][row]
    for (int64_t j = 0; j < 6; ++j) {
      Vector m[6];
      for (int64_t i = 0; i < 6; ++i) m[i] = Load(from + (i * 6 + j) * p.product_stride);
      TransformFour(m, half[j]);
    }
    const Vector bias = p.bias == nullptr ? Vector{} : Load(p.bias + filter);
    for (int64_t i = 0; i < rows; ++i) {
      const Vector m[6] = {half[0][i], half[1][i], half[2][i], half[3][i], half[4][i], half[5][i]};
      Vector out[4];
      TransformFour(m, out);
      for (int64_t j = 0; j < columns; ++j) {
        float* const place = to + i * p.y_at.row + j * p.y_at.pixel;
        Vector sum = out[j] + bias;
        if (p.accumulate) sum += Load(place);
        Store(Clamp(sum, p.lower, p.upper), place);
      }
    }
  }

  // Comparisons are false for NaN, which therefore passes.
  static Vector Clamp(Vector x, float lower, float upper) {
    const Vector low = Vector{} + lower, high = Vector{} + upper;
    x = x < low ? low : x;
    return x > high ? high : x;
  }
};

}  // namespace
