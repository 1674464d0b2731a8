#pragma once

#include <atomic>
#include <chrono>

#include "engine/base/clock.h"

namespace beak::testing {

// A clock that stands still until a test moves it. *Thread-safe.*
class FakeClock final : public Clock {
 public:
  MonotonicTime Now() const override {
    return MonotonicTime(std::chrono::nanoseconds(now_ns_.load(std::memory_order_acquire)));
  }
  void Set(MonotonicTime now) { now_ns_.store(ToNanoseconds(now), std::memory_order_release); }
  void Advance(std::chrono::nanoseconds step) { now_ns_.fetch_add(step.count(), std::memory_order_acq_rel); }

 private:
  static int64_t ToNanoseconds(MonotonicTime time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  }

  // Starts an hour after the epoch, so that tests can also look back.
  std::atomic<int64_t> now_ns_{ToNanoseconds(MonotonicTime(std::chrono::hours(1)))};
};

}  // namespace beak::testing
