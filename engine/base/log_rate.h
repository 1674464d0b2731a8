#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/clock.h"

namespace beak {

// Bounds how many lines a log gets: so many a second, and once as many as `burst` where it was quiet before (a bucket
// of tokens, full at first). *Thread-compatible.*
class LogRate {
 public:
  // REQUIRES: per_second > 0, burst >= 1.
  LogRate(double per_second, double burst) : per_second_(per_second), burst_(burst), left_(burst) {}

  // Whether a line may be written: then how many were not since the last that was. Times must not go back.
  std::optional<int64_t> Admit(MonotonicTime now);

 private:
  const double per_second_;
  const double burst_;
  double left_;
  MonotonicTime filled_ = MonotonicTime::min();
  int64_t suppressed_ = 0;
};

}  // namespace beak
