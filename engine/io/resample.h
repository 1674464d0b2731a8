#pragma once

#include <vector>

#include "engine/io/image.h"

namespace beak {

// A part of a raster, in pixels from its upper left corner; edges may lie within pixels.
struct Box {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

// The part `box` of `raster` in `width` x `height` pixels: channels interleaved, not rounded. Bilinear where that
// enlarges; where it shrinks, the triangle filter is widened to cover every source pixel (Pillow's BILINEAR), so that
// nothing aliases. REQUIRES: a box within the raster and not empty, a size that CheckImageSize accepts.
std::vector<float> Resample(const Raster& raster, const Box& box, int width, int height);

}  // namespace beak
