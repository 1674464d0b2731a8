#include "engine/simd/winograd.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "engine/base/parallel.h"
#include "engine/simd/winograd_kernel.h"

namespace beak::simd {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// What inputs and products of a chunk may take: about a core's second cache. A chunk has at least so many tiles all the
// same: with fewer, the filters would be read from memory for too little work.
constexpr int64_t kChunkBytes = 1 << 20;
constexpr int64_t kMinChunkTiles = 64;
// Between the 36 matrices: an even power of two would put all of them into the same lines of the cache.
constexpr int64_t kGap = 16;

WinogradStrides Strides(const ImageStrides& at) { return {at.image, at.block, at.row, at.pixel, at.lanes}; }

// Of the largest grid of `count` rows or columns.
int64_t TilesAlong(int64_t count, int64_t dilation) { return (count + 4 * dilation - 1) / (4 * dilation); }

}  // namespace

int64_t WinogradLanes(Isa isa) {
  switch (isa) {
    case Isa::kAvx2:
      return 8;
    case Isa::kAvx512:
      return 16;
    case Isa::kSse2:
      break;
  }
  return 0;
}

int64_t WinogradTiles(const WinogradShape& shape) {
  return shape.dilation * shape.dilation * TilesAlong(shape.output_rows, shape.dilation) *
         TilesAlong(shape.output_columns, shape.dilation);
}

void WinogradFilters::Pack(const float* plain, float* packed, int threads) const {
  const bool forward = order_ == FilterOrder::kForward;
  WinogradFilterLoop loop{};
  loop.channels = packing_.k();
  loop.filters = packing_.n();
  loop.width = packing_.panel_width();
  loop.channel_stride = forward ? 9 : 9 * loop.filters;
  loop.filter_stride = forward ? 9 * loop.channels : 9;
  loop.turned = !forward;
  loop.plain = plain;
  loop.packed = packed;
  loop.matrix = static_cast<int64_t>(packing_.packed_elements());
  ParallelFor(threads, [&](int thread) {
    const Range part = PartOf(packing_.num_panels(), thread, threads);
    (packing_.isa() == Isa::kAvx512 ? WinogradFiltersAvx512 : WinogradFiltersAvx2)(loop, part.begin, part.end);
  });
}

void WinogradFilters::PackReversibly(const float* plain, float* packed) const {
  Pack(plain, packed, 1);
  std::memcpy(packed + packed_elements(), plain, plain_elements() * sizeof(float));
}

void WinogradFilters::Unpack(const float* packed, float* plain) const {
  std::memcpy(plain, packed + packed_elements(), plain_elements() * sizeof(float));
}

WinogradConvolution::WinogradConvolution(const WinogradShape& shape, Isa isa, int threads, FilterOrder order)
    : shape_(shape), filters_(shape.channels, shape.filters, isa, order), isa_(isa), threads_(threads) {
  tiles_ = shape.images * WinogradTiles(shape);
  const int64_t tile_bytes = 36 * (shape.channels + shape.filters) * static_cast<int64_t>(sizeof(float));
  const int64_t most = std::max(kMinChunkTiles, kChunkBytes / tile_bytes);
  const int64_t chunks = (tiles_ + most - 1) / most;
  chunk_tiles_ = (tiles_ + chunks - 1) / chunks;
}

size_t WinogradConvolution::scratch_elements() const {
  return static_cast<size_t>(36 * (chunk_tiles_ * (shape_.channels + shape_.filters) + 2 * kGap));
}

void WinogradConvolution::Run(const WinogradArguments& arguments) const {
  for (int64_t tile = 0; tile < tiles_; tile += chunk_tiles_) {
    RunChunk(arguments, tile, std::min(chunk_tiles_, tiles_ - tile));
  }
}

void WinogradConvolution::RunChunk(const WinogradArguments& arguments, int64_t first_tile, int64_t tiles) const {
  const GemmPacking& packing = filters_.packing();
  WinogradLoop loop{};
  loop.rows = shape_.rows;
  loop.columns = shape_.columns;
  loop.channels = shape_.channels;
  loop.output_rows = shape_.output_rows;
  loop.output_columns = shape_.output_columns;
  loop.filters = shape_.filters;
  loop.pad_top = shape_.pad_top;
  loop.pad_left = shape_.pad_left;
  loop.dilation = shape_.dilation;
  loop.tile_columns = TilesAlong(shape_.output_columns, shape_.dilation);
  loop.tiles_per_grid = TilesAlong(shape_.output_rows, shape_.dilation) * loop.tile_columns;
  loop.first_tile = first_tile;
  loop.x_at = Strides(shape_.x);
  loop.y_at = Strides(shape_.y);
  loop.x = arguments.x;
  loop.y = arguments.y;
  loop.inputs = arguments.scratch;
  loop.input_stride = tiles * shape_.channels + kGap;
  loop.product_stride = tiles * shape_.filters + kGap;
  float* const products = arguments.scratch + 36 * loop.input_stride;
  loop.products = products;
  loop.bias = arguments.bias;
  loop.accumulate = arguments.accumulate;
  loop.lower = arguments.lower;
  loop.upper = arguments.upper;
  const bool wide = isa_ == Isa::kAvx512;

  ParallelFor(threads_, [&](int thread) {
    const Range part = PartOf(tiles, thread, threads_);
    (wide ? WinogradInputAvx512 : WinogradInputAvx2)(loop, part.begin, part.end);
  });
  const auto multiply = [&](Range rows, Range panels) {
    GemmArguments gemm;
    gemm.m = rows.end - rows.begin;
    gemm.a_stride = shape_.channels;
    gemm.c_stride = shape_.filters;
    gemm.lower = -kInfinity;
    gemm.upper = kInfinity;
    for (int64_t i = 0; i < 36; ++i) {
      gemm.a = loop.inputs + i * loop.input_stride + rows.begin * shape_.channels;
      gemm.packed_b = arguments.filters + static_cast<size_t>(i) * packing.packed_elements();
      gemm.c = products + i * loop.product_stride + rows.begin * shape_.filters;
      Gemm(packing, gemm, panels.begin, panels.end);
    }
    const int64_t width = packing.panel_width();
    (wide ? WinogradOutputAvx512 : WinogradOutputAvx2)(loop, rows.begin, rows.end, panels.begin * width,
                                                       std::min(panels.end * width, shape_.filters));
  };
  // By panels each thread reads its part of the filters only; by tiles all threads have work where panels are few.
  const bool by_panels = packing.num_panels() % threads_ == 0 || packing.num_panels() >= 4 * threads_;
  ParallelFor(threads_, [&](int thread) {
    const Range all_tiles{0, tiles}, all_panels{0, packing.num_panels()};
    if (by_panels) return multiply(all_tiles, PartOf(packing.num_panels(), thread, threads_));
    const Range part = PartOf(tiles, thread, threads_);
    if (part.begin < part.end) multiply(part, all_panels);
  });
}

}  // namespace beak::simd
