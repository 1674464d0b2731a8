#pragma once

#include <cstdint>

// The loop nest of simd/gemm.h, compiled once per instruction set: each gemm_<isa>.cc includes this with its own
// compiler flags and instantiates it for its vector length. Nothing else may be included here: an inline function of
// another header, compiled with AVX-512 in one file, could be the copy that the linker keeps for all.
namespace beak::simd {

// One instruction set's part of the product: pointers as in GemmArguments, already moved to the first panel. Panels are
// 8 columns wide for SSE2, 8 or 16 for AVX2, 16, 32 or 64 for AVX-512.
struct GemmPanels {
  int64_t m, n, k;  // n: columns from the first panel on, at most num_panels * width
  int64_t num_panels;
  int64_t panel_width;
  const float* a;
  int64_t a_stride;
  const float* packed_b;
  const float* bias;
  float* c;
  int64_t c_stride;
  float lower, upper;
};

void GemmSse2(const GemmPanels& panels);
void GemmAvx2(const GemmPanels& panels);
void GemmAvx512(const GemmPanels& panels);

}  // namespace beak::simd

namespace {

// Isa is one of vectors_<isa>.h. kVectors vectors a panel, at most kMaxRows rows at a time, and kPanelsOfOneRow panels
// at a time where there is only one row (the chains of multiply-adds of one panel alone would leave the units waiting).
template <typename Isa, int kVectors, int kMaxRows, int kPanelsOfOneRow>
class GemmLoops {
 public:
  static void Run(const beak::simd::GemmPanels& p) {
    int64_t panel = 0;
    while (panel < p.num_panels) {
      if (p.m == 1 && panel + kPanelsOfOneRow <= p.num_panels) {
        Tile<1, kPanelsOfOneRow>(p, 0, panel);
        panel += kPanelsOfOneRow;
        continue;
      }
      // As even as can be: a tile of one row takes nearly as long as one of all.
      const int64_t tiles = (p.m + kMaxRows - 1) / kMaxRows;
      for (int64_t tile = 0; tile < tiles; ++tile) {
        const int64_t row = p.m * tile / tiles;
        TileOf<kMaxRows>(p, row, p.m * (tile + 1) / tiles - row, panel);
      }
      ++panel;
    }
  }

 private:
  using Vector = typename Isa::Vector;
  using InMemory = typename Isa::InMemory;
  static constexpr int64_t kLanes = sizeof(Vector) / sizeof(float);
  static constexpr int64_t kWidth = kLanes * kVectors;

  template <int kRows>
  static void TileOf(const beak::simd::GemmPanels& p, int64_t row, int64_t rows, int64_t panel) {
    if constexpr (kRows > 0) {
      if (rows == kRows) {
        Tile<kRows, 1>(p, row, panel);
      } else {
        TileOf<kRows - 1>(p, row, rows, panel);
      }
    }
  }

  static Vector Load(const float* from) { return *reinterpret_cast<const InMemory*>(from); }

  template <int kRows, int kPanels>
  static void Tile(const beak::simd::GemmPanels& p, int64_t row, int64_t panel) {
    constexpr int kColumns = kVectors * kPanels;
    Vector sum[kRows][kColumns] = {};
    const float* a = p.a + row * p.a_stride;
    const float* b = p.packed_b + panel * kWidth * p.k;
    const int64_t panel_size = kWidth * p.k, depth = p.k;
    const float* rows[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) rows[r] = a + r * p.a_stride;
#pragma GCC unroll 2
    for (int64_t k = 0; k < depth; ++k) {
      Vector column[kColumns];
#pragma GCC unroll 8
      for (int v = 0; v < kColumns; ++v) {
        column[v] = Load(b + (v / kVectors) * panel_size + k * kWidth + (v % kVectors) * kLanes);
      }
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r) {
        const Vector element = Isa::Broadcast(rows[r] + k);
#pragma GCC unroll 8
        for (int v = 0; v < kColumns; ++v) sum[r][v] += element * column[v];
      }
    }
    // Unrolled too: sums that are looked up by a number would lie in memory all the time.
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
      for (int v = 0; v < kColumns; ++v) Store(p, row + r, panel * kWidth + v * kLanes, sum[r][v]);
    }
  }

  // Comparisons are false for NaN, which therefore passes.
  static Vector Clamp(Vector x, float lower, float upper) {
    const Vector low = Vector{} + lower, high = Vector{} + upper;
    x = x < low ? low : x;
    return x > high ? high : x;
  }

  static void Store(const beak::simd::GemmPanels& p, int64_t row, int64_t column, Vector sum) {
    float* c = p.c + row * p.c_stride + column;
    const int64_t columns = p.n - column;
    if (columns >= kLanes) {
      if (p.bias != nullptr) sum += Load(p.bias + column);
      *reinterpret_cast<InMemory*>(c) = Clamp(sum, p.lower, p.upper);
      return;
    }
    float lanes[kLanes] = {};
    for (int64_t i = 0; p.bias != nullptr && i < columns; ++i) lanes[i] = p.bias[column + i];
    sum = Clamp(sum + Load(lanes), p.lower, p.upper);
    *reinterpret_cast<InMemory*>(lanes) = sum;
    for (int64_t i = 0; i < columns; ++i) c[i] = lanes[i];
  }
};

}  // namespace
