#include "engine/simd/max_pool.h"

#include "engine/simd/max_pool_kernel.h"

namespace beak::simd {
namespace {

static_assert(sizeof(PoolTaps) == 2 * sizeof(int64_t));  // the loops see pairs of numbers

bool Disjoint(const std::vector<PoolTaps>& taps, int64_t dilation) {
  for (size_t i = 1; i < taps.size(); ++i) {
    if (taps[i].first <= taps[i - 1].first + (taps[i - 1].count - 1) * dilation) return false;
  }
  return true;
}

int64_t CountOf(const std::vector<PoolTaps>& taps) {
  int64_t count = 0;
  for (const PoolTaps& one : taps) count += one.count;
  return count;
}

PoolLoop LoopOver(const PoolPlane& plane, const float* x) {
  PoolLoop loop{};
  loop.input_rows = plane.input_rows;
  loop.input_columns = plane.input_columns;
  loop.output_rows = static_cast<int64_t>(plane.rows.size());
  loop.output_columns = static_cast<int64_t>(plane.columns.size());
  loop.rows = &plane.rows.data()->first;
  loop.columns = &plane.columns.data()->first;
  loop.row_dilation = plane.row_dilation;
  loop.column_dilation = plane.column_dilation;
  loop.x_row = plane.x_row;
  loop.x_pixel = plane.x_pixel;
  loop.y_row = plane.y_row;
  loop.y_pixel = plane.y_pixel;
  loop.lanes = plane.lanes;
  loop.x = x;
  return loop;
}

}  // namespace

void MaxPool(Isa isa, const PoolPlane& plane, const float* x, float* y) {
  PoolLoop loop = LoopOver(plane, x);
  loop.out = y;
  isa == Isa::kSse2 ? MaxPoolSse2(loop) : MaxPoolAvx2(loop);
}

void MaxPoolGradient(Isa isa, const PoolPlane& plane, bool relu, const float* x, const float* y, const float* dy,
                     float* dx) {
  PoolLoop loop = LoopOver(plane, x);
  loop.disjoint = Disjoint(plane.rows, plane.row_dilation) && Disjoint(plane.columns, plane.column_dilation);
  loop.covered =
      loop.disjoint && CountOf(plane.rows) == plane.input_rows && CountOf(plane.columns) == plane.input_columns;
  loop.relu = relu;
  loop.y = y;
  loop.dy = dy;
  loop.out = dx;
  isa == Isa::kSse2 ? MaxPoolGradientSse2(loop) : MaxPoolGradientAvx2(loop);
}

}  // namespace beak::simd
