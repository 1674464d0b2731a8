#pragma once

#include <chrono>

namespace beak {

// A point on the clock that deadlines and durations are measured with; never the wall clock.
using MonotonicTime = std::chrono::steady_clock::time_point;
inline constexpr MonotonicTime kNever = MonotonicTime::max();

// Where time comes from; tests hand in a fake. *Thread-safe.*
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime Now() const = 0;

  // The machine's steady clock; lives as long as the process.
  static Clock& Real();
};

inline double Seconds(std::chrono::nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace beak
