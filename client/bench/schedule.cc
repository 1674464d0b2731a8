#include "client/bench/schedule.h"

#include <cmath>
#include <utility>

namespace beak::bench {

std::chrono::nanoseconds Arrivals::Next() {
  if (kind_ == Arrival::kConstant) {
    seconds_ = static_cast<double>(count_++) / rate_;  // no error adds up
  } else {
    const double uniform = static_cast<double>(random_() >> 11) * 0x1p-53;  // in [0, 1)
    seconds_ += -std::log1p(-uniform) / rate_;
  }
  // A century is as good as for ever, and can be added to a clock.
  constexpr double kCentury = 100.0 * 365 * 24 * 3600;
  return std::chrono::nanoseconds(static_cast<int64_t>(std::fmin(seconds_, kCentury) * 1e9));
}

OpenLoop::OpenLoop(Arrivals arrivals, MonotonicTime begin, MonotonicTime end, int64_t max_outstanding)
    : arrivals_(std::move(arrivals)),
      begin_(begin),
      end_(end),
      max_outstanding_(max_outstanding),
      due_(begin + arrivals_.Next()),
      blocked_until_(begin) {}

OpenLoop::Step OpenLoop::Next(MonotonicTime now, int64_t outstanding) {
  if (blocking_) blocked_until_ = now;
  blocking_ = due_ < end_ && due_ <= now && outstanding >= max_outstanding_;
  if (blocking_) return {Act::kBlock, due_};
  if (due_ >= end_) return {Act::kDone, end_};
  if (due_ > now) return {Act::kWait, due_};
  if (due_ < blocked_until_) ++blocked_;
  const Step step = {Act::kSend, due_};
  due_ = begin_ + arrivals_.Next();
  return step;
}

}  // namespace beak::bench
