#include "engine/data/random_rect.h"

#include <cmath>

#include "engine/base/status.h"

namespace beak::data {

absl::Status CheckRange(const RectRange& range) {
  if (!(range.min_area >= 0 && range.min_area <= range.max_area && range.max_area <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("expected areas within [0, 1], the smaller one first, got ",
                                                   range.min_area, ", ", range.max_area));
  }
  if (!(range.min_ratio >= kMinRatio && range.min_ratio <= range.max_ratio && range.max_ratio <= kMaxRatio)) {
    return absl::InvalidArgumentError(absl::StrCat("expected ratios within [", kMinRatio, ", ", kMaxRatio,
                                                   "], the smaller one first, got ", range.min_ratio, ", ",
                                                   range.max_ratio));
  }
  return absl::OkStatus();
}

int64_t DrawOffset(int64_t room, Rng& rng) { return static_cast<int64_t>(rng.Below(static_cast<uint64_t>(room + 1))); }

std::optional<Rect> DrawRect(int64_t height, int64_t width, const RectRange& range, Rng& rng) {
  constexpr int kTrials = 10;
  const double area = static_cast<double>(height) * static_cast<double>(width);
  for (int i = 0; i < kTrials; ++i) {
    const double wanted = area * rng.Uniform(range.min_area, range.max_area);
    const double ratio = std::exp(rng.Uniform(std::log(range.min_ratio), std::log(range.max_ratio)));
    const double across = std::round(std::sqrt(wanted * ratio));
    const double down = std::round(std::sqrt(wanted / ratio));
    if (across < 1 || across > static_cast<double>(width) || down < 1 || down > static_cast<double>(height)) continue;
    Rect rect = {0, 0, static_cast<int64_t>(down), static_cast<int64_t>(across)};
    rect.y = DrawOffset(height - rect.height, rng);
    rect.x = DrawOffset(width - rect.width, rng);
    return rect;
  }
  return std::nullopt;
}

}  // namespace beak::data
