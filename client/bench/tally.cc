#include "client/bench/tally.h"

#include <algorithm>

namespace beak::bench {

void Counter::Add(const absl::Status& status, MonotonicTime due, MonotonicTime answered) {
  const auto counts = [this](MonotonicTime time) { return time >= begin_ && time < end_; };
  if (status.ok() && counts(answered)) ++tally_.answered;
  if (!counts(by_ == By::kDueTime ? due : answered)) return;
  const std::chrono::nanoseconds latency = answered - due;
  ++tally_.requests;
  if (status.ok()) {
    tally_.latency.Add(latency);
    if (deadline_.count() == 0 || latency <= deadline_) ++tally_.in_time;
    return;
  }
  ErrorTally& error = tally_.errors[status.code()];
  if (error.latency.count() == 0) error.message = std::string(status.message());
  error.latency.Add(latency);
}

Tally Counter::Finish(MonotonicTime now) const {
  Tally tally = tally_;
  tally.duration = std::max(std::min(now, end_) - begin_, MonotonicTime::duration(0));
  tally.interrupted = now < end_;
  return tally;
}

}  // namespace beak::bench
