#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "engine/base/clock.h"

namespace beak {

// Times the batches of a training: how fast it is, and when it is time to tell. The median of the last batches is not
// moved by a pause, a checkpoint or a batch that had to be compiled first. *Thread-compatible.*
class ProgressMeter {
 public:
  static constexpr auto kBetweenReports = std::chrono::milliseconds(500);

  // The clock must outlive it.
  explicit ProgressMeter(const Clock& clock) : clock_(clock), mark_(clock.Now()) {}

  // Batches are timed from here: called where something else has taken time.
  void Restart() { mark_ = clock_.Now(); }
  // Another batch is through; its seconds.
  double BatchDone();

  // Of the last batches; 0 before the first.
  double median_seconds() const;

  // True at most every kBetweenReports, and then it counts as told.
  bool DueToTell();

 private:
  const Clock& clock_;
  MonotonicTime mark_;
  MonotonicTime told_ = MonotonicTime::min();
  std::array<double, 64> last_ = {};  // in turn
  size_t batches_ = 0;
};

}  // namespace beak
