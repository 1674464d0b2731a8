#pragma once

#include <functional>

#include "absl/status/statusor.h"
#include "engine/onednn/dnnl_compat.h"
#include "engine/reference/window_taps.h"
#include "engine/simd/max_pool.h"

// Images in the library's layouts as planes, for pools of our own.
namespace beak::onednn {

// An image [N, C, H, W] as planes of pixels, in each of which `lanes` channels lie side by side. Strides in elements.
struct Planes {
  int64_t images = 0, blocks = 0, lanes = 0;
  int64_t image_stride = 0, block_stride = 0, row_stride = 0, pixel_stride = 0;
};

// A refusal for what is no image, or is laid out otherwise.
absl::StatusOr<Planes> PlanesOf(const Desc& desc);

// The descriptor of images of another shape that are laid out as `like` is. REQUIRES: PlanesOf(like).
Desc LaidOutAs(const Desc& like, const Shape& shape);

// A pool of images: its input and output as planes, and what it does to each. A value type.
struct ImagePool {
  Planes x, y;
  simd::PoolPlane plane;
  Window3 window;  // over planes, rows, columns: of one plane here
};

// `x` and `y` are descriptors of the pool's input and output.
absl::StatusOr<ImagePool> ImagePoolOf(const Node& node, const Desc& x, const Desc& y);

// Calls fn(offset of the plane in x, offset in y) for each plane, on `threads` threads.
void ForEachPlane(const ImagePool& pool, int threads, const std::function<void(int64_t x, int64_t y)>& fn);

}  // namespace beak::onednn
