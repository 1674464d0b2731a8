#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "engine/base/rng.h"
#include "engine/data/planes.h"

namespace beak::data {

// What rectangles may be drawn: which part of the picture's area, which ratio of width to height.
struct RectRange {
  double min_area = 0;
  double max_area = 1;
  double min_ratio = 1;
  double max_ratio = 1;
};

// INVALID_ARGUMENT unless 0 <= min_area <= max_area <= 1 and 0 < min_ratio <= max_ratio.
absl::Status CheckRange(const RectRange& range);

// A rectangle within a picture: its area uniform, its ratio log-uniform, its place uniform; none when ten trials gave
// one that does not fit. As torchvision draws them.
std::optional<Rect> DrawRect(int64_t height, int64_t width, const RectRange& range, Rng& rng);

}  // namespace beak::data
