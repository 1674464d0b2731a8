#include "engine/base/log_rate.h"

#include <algorithm>
#include <utility>

namespace beak {

std::optional<int64_t> LogRate::Admit(MonotonicTime now) {
  if (filled_ != MonotonicTime::min()) left_ = std::min(burst_, left_ + per_second_ * Seconds(now - filled_));
  filled_ = now;
  if (left_ < 1) {
    ++suppressed_;
    return std::nullopt;
  }
  left_ -= 1;
  return std::exchange(suppressed_, 0);
}

}  // namespace beak
