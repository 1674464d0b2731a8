#pragma once

#include <cstdint>
#include <span>

#include "engine/data/schema.h"

namespace beak::data {

// Pictures as augmentation and networks take them, "planes": float32 [channels, height, width], in the units of the
// source (0 .. 255 for photographs), rows from the top. Every function here REQUIRES such a tensor. Pure.

// How values between pixels are found. Nearest for masks, whose values are classes.
enum class Interpolation { kBilinear, kNearest };

// Part of a picture in whole pixels; may reach over its edges.
struct Rect {
  int64_t y = 0;
  int64_t x = 0;
  int64_t height = 0;
  int64_t width = 0;
};

// INVALID_ARGUMENT unless the field's samples are planes of one known size.
absl::Status CheckPlanes(const Field& field);

// The part `rect`; what lies outside the picture is 0.
absl::StatusOr<Tensor> Crop(const Tensor& planes, const Rect& rect);

// Left and right, or top and bottom, change places.
void FlipHorizontally(Tensor& planes);
void FlipVertically(Tensor& planes);

// Turned counter-clockwise round the middle by `degrees`, in the same size; what comes from outside the picture is 0
// (torchvision's rotate without `expand`).
absl::StatusOr<Tensor> Rotate(const Tensor& planes, double degrees, Interpolation interpolation);

// Sets the part of `rect` that lies in the picture to `values`, one a channel; none: 0.
void Fill(Tensor& planes, const Rect& rect, std::span<const float> values);

}  // namespace beak::data
