#pragma once

#include <cmath>
#include <optional>

namespace beak {

// Which way a metric gets better.
enum class Goal { kMinimize, kMaximize };

// True where `value` is better than `best` by more than `margin`. The first one is better than none; what is not
// finite is never better.
inline bool IsBetter(Goal goal, double value, std::optional<double> best, double margin) {
  if (!std::isfinite(value)) return false;
  if (!best) return true;
  return goal == Goal::kMinimize ? value < *best - margin : value > *best + margin;
}

}  // namespace beak
