#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "engine/base/rng.h"
#include "engine/data/planes.h"

namespace beak::data {

// Ratios may not be further from 1, so that they and what is computed from them stay finite.
inline constexpr double kMinRatio = 1e-6;
inline constexpr double kMaxRatio = 1e6;

// What rectangles may be drawn: which part of the picture's area, which ratio of width to height.
struct RectRange {
  double min_area = 0;
  double max_area = 1;
  double min_ratio = 1;
  double max_ratio = 1;
};

// INVALID_ARGUMENT unless 0 <= min_area <= max_area <= 1 and kMinRatio <= min_ratio <= max_ratio <= kMaxRatio.
absl::Status CheckRange(const RectRange& range);

// A place for what has `room` pixels to move in: 0 .. room, all alike. REQUIRES: room >= 0
int64_t DrawOffset(int64_t room, Rng& rng);

// A rectangle within a picture: its area uniform, its ratio log-uniform, its place uniform; none when ten trials gave
// one that does not fit. As torchvision draws them.
std::optional<Rect> DrawRect(int64_t height, int64_t width, const RectRange& range, Rng& rng);

}  // namespace beak::data
