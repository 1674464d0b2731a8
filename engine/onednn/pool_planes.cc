#include "engine/onednn/pool_planes.h"

#include "engine/base/parallel.h"
#include "engine/base/status.h"
#include "engine/ops/window.h"

namespace beak::onednn {
namespace {

// Of dimension d, whose dilation is `dilation`.
std::vector<simd::PoolTaps> TapsOf(const Window3& window, size_t d) {
  std::vector<simd::PoolTaps> all;
  for (int64_t i = 0; i < window.output[d]; ++i) {
    const Taps taps = window.TapsAt(d, i);
    all.push_back({taps.first + taps.begin * window.dilations[d], taps.end - taps.begin});
  }
  return all;
}

bool AnyEmpty(const std::vector<simd::PoolTaps>& taps) {
  for (const simd::PoolTaps& one : taps) {
    if (one.count < 1) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<Planes> PlanesOf(const Desc& desc) {
  const Dims dims = DimsOf(desc), strides = StridesOf(desc);
  if (dims.size() != 4) return absl::UnimplementedError("not an image");
  Planes planes{dims[0], dims[1], 1, strides[0], strides[1], strides[2], strides[3]};
  if (InnerBlockCount(desc) > 1 || (InnerBlockCount(desc) == 1 && InnerBlockAxis(desc) != 1)) {
    return absl::UnimplementedError("blocks of something else than channels");
  }
  if (InnerBlockCount(desc) == 1) {
    planes.lanes = InnerBlockSize(desc);
    planes.blocks = (dims[1] + planes.lanes - 1) / planes.lanes;
  } else if (strides[1] == 1 && dims[1] > 1) {
    planes.lanes = dims[1];
    planes.blocks = 1;
  }
  return planes;
}

Desc LaidOutAs(const Desc& like, const Shape& shape) {
  using Tag = dnnl::memory::format_tag;
  const bool last = DimsOf(like)[1] > 1 && StridesOf(like)[1] == 1;
  Tag tag = last ? Tag::acdb : Tag::abcd;
  if (InnerBlockCount(like) == 1) tag = InnerBlockSize(like) == 8 ? Tag::aBcd8b : Tag::aBcd16b;
  return Desc(shape, dnnl::memory::data_type::f32, tag);
}

absl::StatusOr<ImagePool> ImagePoolOf(const Node& node, const Desc& x, const Desc& y) {
  ImagePool pool;
  ASSIGN_OR_RETURN(pool.x, PlanesOf(x));
  ASSIGN_OR_RETURN(pool.y, PlanesOf(y));
  if (pool.x.lanes != pool.y.lanes) return absl::UnimplementedError("input and output are laid out differently");
  const Shape shape = DimsOf(x);
  ASSIGN_OR_RETURN(const Window window, PoolWindow(node, shape));
  ASSIGN_OR_RETURN(pool.window, Window3::From(window, shape));
  pool.plane.input_rows = shape[2];
  pool.plane.input_columns = shape[3];
  pool.plane.rows = TapsOf(pool.window, 1);
  pool.plane.columns = TapsOf(pool.window, 2);
  if (AnyEmpty(pool.plane.rows) || AnyEmpty(pool.plane.columns)) {
    return absl::UnimplementedError("a window lies in the padding");
  }
  pool.plane.row_dilation = pool.window.dilations[1];
  pool.plane.column_dilation = pool.window.dilations[2];
  pool.plane.x_row = pool.x.row_stride;
  pool.plane.x_pixel = pool.x.pixel_stride;
  pool.plane.y_row = pool.y.row_stride;
  pool.plane.y_pixel = pool.y.pixel_stride;
  pool.plane.lanes = pool.x.lanes;
  return pool;
}

void ForEachPlane(const ImagePool& pool, int threads, const std::function<void(int64_t x, int64_t y)>& fn) {
  const int64_t planes = pool.x.images * pool.x.blocks;
  ParallelFor(threads, [&](int thread) {
    const Range part = PartOf(planes, thread, threads);
    for (int64_t i = part.begin; i < part.end; ++i) {
      const int64_t image = i / pool.x.blocks, block = i % pool.x.blocks;
      fn(image * pool.x.image_stride + block * pool.x.block_stride,
         image * pool.y.image_stride + block * pool.y.block_stride);
    }
  });
}

}  // namespace beak::onednn
