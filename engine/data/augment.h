#pragma once

#include <string>
#include <vector>

#include "engine/data/pipeline.h"
#include "engine/data/planes.h"

namespace beak::data {

// Augmentation of planes (planes.h), with torchvision's parameters and meanings; what is random is a function of (seed,
// epoch, sample). Each is INVALID_ARGUMENT where a field is no planes of one size, or an option is out of range.

// A field that is changed with others in the same way: a picture and the mask of its segments, say. All have the same
// height and width.
struct ImageField {
  std::string name = "image";
  Interpolation interpolation = Interpolation::kBilinear;
};

// `padding` zeros on each side, then a part of the size given (0: that of the pictures) at a random place.
struct RandomCropOptions {
  int height = 0;
  int width = 0;
  int padding = 4;
  std::vector<ImageField> fields = {{}};
};
Transform RandomCrop(const RandomCropOptions& options = {});

// Mirrors with these probabilities: left and right, top and bottom.
struct RandomFlipOptions {
  double horizontal = 0.5;
  double vertical = 0;
  std::vector<ImageField> fields = {{}};
};
Transform RandomFlip(const RandomFlipOptions& options = {});

// Turns by up to `degrees` to either side; zeros come in from outside.
struct RandomRotationOptions {
  double degrees = 10;
  std::vector<ImageField> fields = {{}};
};
Transform RandomRotation(const RandomRotationOptions& options = {});

// The largest spread of a factor.
inline constexpr double kMaxJitter = 1000;

// In a random order: brightness, contrast and saturation times a factor in [max(0, 1 - x), 1 + x], hue turned by up to
// `hue` (at most 0.5) of the circle. The values are 0 .. 255; one channel or three.
struct ColorJitterOptions {
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;
  double hue = 0;
  std::string field = "image";
};
Transform ColorJitter(const ColorJitterOptions& options);

// Random erasing: with `probability`, a rectangle of random area, ratio (height to width) and place is set to `fill`.
// Values are not normalised yet: where torchvision's recipe erases with 0 after normalising, that is the mean here.
struct RandomErasingOptions {
  double probability = 0.5;
  double min_area = 0.02;
  double max_area = 0.33;
  double min_ratio = 0.3;
  double max_ratio = 3.3;
  std::vector<float> fill;  // one a channel; none: 0
  std::string field = "image";
};
Transform RandomErasing(const RandomErasingOptions& options = {});

// Cutout (DeVries and Taylor, 2017): a square whose middle is any pixel, so that part of it may lie outside, is set to
// `fill`.
struct CutoutOptions {
  int size = 16;
  std::vector<float> fill;  // one a channel; none: 0
  std::string field = "image";
};
Transform Cutout(const CutoutOptions& options = {});

}  // namespace beak::data
