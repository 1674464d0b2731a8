#include "engine/job/progress_meter.h"

#include <algorithm>

namespace beak {

double ProgressMeter::BatchDone() {
  const MonotonicTime now = clock_.Now();
  const double seconds = Seconds(now - mark_);
  mark_ = now;
  last_[batches_++ % last_.size()] = seconds;
  return seconds;
}

double ProgressMeter::median_seconds() const {
  const size_t count = std::min(batches_, last_.size());
  if (count == 0) return 0;
  std::array<double, 64> sorted = last_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(count / 2);
  std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(count));
  return *middle;
}

bool ProgressMeter::DueToTell() {
  const MonotonicTime now = clock_.Now();
  if (told_ != MonotonicTime::min() && now - told_ < kBetweenReports) return false;
  told_ = now;
  return true;
}

}  // namespace beak
