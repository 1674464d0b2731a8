#pragma once

#include <cstdint>

// The transforms of simd/winograd.h, compiled once per instruction set. Nothing else may be included here: see
// gemm_kernel.h.
namespace beak::simd {

// Where an image's elements lie, in elements: `lanes` channels of a pixel side by side, in blocks.
struct WinogradStrides {
  int64_t image, block, row, pixel, lanes;
};

// A run of tiles in plain pointers. Tile t of the chunk is tile first_tile + t, counted over all grids of all images:
// with a dilation of 2, the pixels of even rows and columns are a grid, and so on.
struct WinogradLoop {
  int64_t rows, columns, channels;               // of the input
  int64_t output_rows, output_columns, filters;  // of the output
  int64_t pad_top, pad_left, dilation;
  int64_t tile_columns, tiles_per_grid;
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

// Filters in plain pointers: element i of filter f and channel c is plain[f * filter_stride + c * channel_stride + i].
struct WinogradFilterLoop {
  int64_t channels, filters, width;  // of a panel
  int64_t filter_stride, channel_stride;
  bool turned;  // by 180 degrees
  const float* plain;
  float* packed;  // 36 matrices [panels, channels, width], `matrix` apart
  int64_t matrix;
};

// Of the panels first .. last-1.
void WinogradFiltersAvx2(const WinogradFilterLoop& loop, int64_t first, int64_t last);
void WinogradFiltersAvx512(const WinogradFilterLoop& loop, int64_t first, int64_t last);
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
      const Patch patch = {tile.row * 4 - p.pad_top, tile.column * 4 - p.pad_left, OnGrid(p, p.rows, tile.grid_row),
                           OnGrid(p, p.columns, tile.grid_column)};
      const bool inside =
          patch.row >= 0 && patch.column >= 0 && patch.row + 6 <= patch.rows && patch.column + 6 <= patch.columns;
      const float* const corner = Corner(p, p.x_at, tile, patch.row, patch.column, p.x);
      float* const to = p.inputs + t * p.channels;
      for (int64_t c = 0; c < p.channels; c += kLanes) {
        const float* const from = corner + c / p.x_at.lanes * p.x_at.block + c % p.x_at.lanes;
        if (inside) {
          TransformInput<true>(p, patch, from, to + c);
        } else {
          TransformInput<false>(p, patch, from, to + c);
        }
      }
    }
  }

  static void Output(const Loop& p, int64_t first, int64_t last, int64_t first_filter, int64_t last_filter) {
    for (int64_t t = first; t < last; ++t) {
      const Tile tile = TileOf(p, t);
      const int64_t rows = Least(4, OnGrid(p, p.output_rows, tile.grid_row) - tile.row * 4);
      const int64_t columns = Least(4, OnGrid(p, p.output_columns, tile.grid_column) - tile.column * 4);
      float* const corner = Corner(p, p.y_at, tile, tile.row * 4, tile.column * 4, p.y);
      for (int64_t f = first_filter; f < last_filter; f += kLanes) {
        float* const to = corner + f / p.y_at.lanes * p.y_at.block + f % p.y_at.lanes;
        TransformOutput(p, rows, columns, p.products + t * p.filters + f, f, to);
      }
    }
  }

  static void Filters(const beak::simd::WinogradFilterLoop& p, int64_t first, int64_t last) {
    for (int64_t panel = first; panel < last; ++panel) {
      for (int64_t c = 0; c < p.channels; ++c) {
        for (int64_t lane = 0; lane < p.width; lane += kLanes) {
          float* const to = p.packed + panel * p.width * p.channels + c * p.width + lane;
          TransformFilters(p, panel * p.width + lane, c, to);
        }
      }
    }
  }

 private:
  using Vector = typename Isa::Vector;
  using InMemory = typename Isa::InMemory;
  static constexpr int64_t kLanes = sizeof(Vector) / sizeof(float);

  struct Tile {
    int64_t image, grid_row, grid_column;  // the grid's first pixel
    int64_t row, column;                   // of the grid, in tiles
  };
  // Of a grid: its first row and column that are looked at, and how many there are.
  struct Patch {
    int64_t row, column, rows, columns;
  };
  static Tile TileOf(const Loop& p, int64_t t) {
    const int64_t all = p.first_tile + t, grid = all / p.tiles_per_grid, in_grid = all % p.tiles_per_grid;
    const int64_t in_image = grid % (p.dilation * p.dilation);
    return {grid / (p.dilation * p.dilation), in_image / p.dilation, in_image % p.dilation, in_grid / p.tile_columns,
            in_grid % p.tile_columns};
  }
  // How many of `count` rows or columns belong to the grid that begins at `first`.
  static int64_t OnGrid(const Loop& p, int64_t count, int64_t first) {
    return (count - first + p.dilation - 1) / p.dilation;
  }
  // The pixel of the tile's grid in this row and column of it.
  template <typename Float>
  static Float* Corner(const Loop& p, const beak::simd::WinogradStrides& at, const Tile& tile, int64_t row,
                       int64_t column, Float* image) {
    return image + tile.image * at.image + (tile.grid_row + row * p.dilation) * at.row +
           (tile.grid_column + column * p.dilation) * at.pixel;
  }
  static int64_t Least(int64_t a, int64_t b) { return a < b ? a : b; }

  static Vector Load(const float* from) { return *reinterpret_cast<const InMemory*>(from); }
  static void Store(const Vector& vector, float* to) { *reinterpret_cast<InMemory*>(to) = vector; }

  // One column of G g.
  static void TransformThree(const Vector g[3], Vector out[6]) {
    const Vector even = g[0] + g[2], wide = g[0] + 4 * g[2];
    out[0] = 0.25f * g[0];
    out[1] = (-1.0f / 6) * (even + g[1]);
    out[2] = (-1.0f / 6) * (even - g[1]);
    out[3] = (1.0f / 24) * (wide + 2 * g[1]);
    out[4] = (1.0f / 24) * (wide - 2 * g[1]);
    out[5] = g[2];
  }

  // G g G' of the filters from `filter` on, one a lane; those beyond the last are 0.
  static void TransformFilters(const beak::simd::WinogradFilterLoop& p, int64_t filter, int64_t channel, float* to) {
    float lanes[9][kLanes] = {};
    const int64_t count = Least(kLanes, p.filters - filter);
    for (int64_t lane = 0; lane < count; ++lane) {
      const float* const from = p.plain + (filter + lane) * p.filter_stride + channel * p.channel_stride;
      for (int64_t i = 0; i < 9; ++i) lanes[i][lane] = from[p.turned ? 8 - i : i];
    }
    Vector half[3][6];  // [column][row]
    for (int64_t j = 0; j < 3; ++j) {
      const Vector g[3] = {Load(lanes[j]), Load(lanes[3 + j]), Load(lanes[6 + j])};
      TransformThree(g, half[j]);
    }
    for (int64_t i = 0; i < 6; ++i) {
      const Vector g[3] = {half[0][i], half[1][i], half[2][i]};
      Vector out[6];
      TransformThree(g, out);
      for (int64_t j = 0; j < 6; ++j) Store(out[j], to + (i * 6 + j) * p.matrix);
    }
  }

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
  static void TransformInput(const Loop& p, const Patch& patch, const float* from, float* to) {
    const int64_t row_stride = p.x_at.row * p.dilation, pixel_stride = p.x_at.pixel * p.dilation;
    Vector half[6][6];  // [column][row]
    for (int64_t j = 0; j < 6; ++j) {
      Vector d[6];
      for (int64_t i = 0; i < 6; ++i) {
        const bool there = kInside || (patch.row + i >= 0 && patch.row + i < patch.rows && patch.column + j >= 0 &&
                                       patch.column + j < patch.columns);
        d[i] = there ? Load(from + i * row_stride + j * pixel_stride) : Vector{};
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
    const int64_t row_stride = p.y_at.row * p.dilation, pixel_stride = p.y_at.pixel * p.dilation;
    const Vector bias = p.bias == nullptr ? Vector{} : Load(p.bias + filter);
    for (int64_t i = 0; i < rows; ++i) {
      const Vector m[6] = {half[0][i], half[1][i], half[2][i], half[3][i], half[4][i], half[5][i]};
      Vector out[4];
      TransformFour(m, out);
      for (int64_t j = 0; j < columns; ++j) {
        float* const place = to + i * row_stride + j * pixel_stride;
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
