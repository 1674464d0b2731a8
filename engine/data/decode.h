#pragma once

#include <string>

#include "engine/data/pipeline.h"
#include "engine/io/image_fit.h"

namespace beak::data {

// The same numbers in another type, as ONNX's Cast has them: for values that are no pictures and networks that want
// float32.
Transform ConvertTo(DType dtype, std::string field);

// From pictures as sources have them, uint8 [height, width, channels] or [height, width] for one channel, to planes
// (planes.h) with the same values, 0 .. 255. Each of these changes one field and leaves the others as they are; each is
// INVALID_ARGUMENT where the field is no such picture.

// In the size that they have, which must be the same for all. With kNchw, pictures are stored as planes: uint8
// [channels, height, width].
Transform ToPlanes(std::string field = "image", ImageLayout layout = ImageLayout::kNhwc);

// In one size, whatever theirs is, without chance: as evaluation does it. Pictures have 1 or 3 channels.
struct ResizeOptions {
  int height = 0;
  int width = 0;
  ResizeMode mode = ResizeMode::kCrop;
  double kept = 1;  // with kCrop: see ImageFit
};
Transform Resize(const ResizeOptions& options, std::string field = "image");

// A part of random area, shape and place, brought to one size (torchvision's RandomResizedCrop): ten trials with an
// area in [min_area, max_area] of the whole and a log-uniform ratio of width to height; when none fits, as much of the
// middle as the ratios allow. Bilinear with a widened filter where it shrinks. Pictures have 1 or 3 channels.
struct RandomResizedCropOptions {
  int height = 0;
  int width = 0;
  double min_area = 0.08;
  double max_area = 1;
  double min_ratio = 3.0 / 4;
  double max_ratio = 4.0 / 3;
};
Transform RandomResizedCrop(const RandomResizedCropOptions& options, std::string field = "image");

}  // namespace beak::data
