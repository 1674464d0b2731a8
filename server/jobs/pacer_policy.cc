#include "server/jobs/pacer_policy.h"

#include <algorithm>

namespace beak {

PacerPolicy::Orders PacerPolicy::Add(int64_t process, int threads, MonotonicTime now) {
  processes_.push_back({process, std::max(1, threads), now});
  Fit(now);
  return Decide(now);
}

PacerPolicy::Orders PacerPolicy::Remove(int64_t process, MonotonicTime now) {
  Orders orders;
  const auto found = std::find_if(processes_.begin(), processes_.end(),
                                  [process](const Process& one) { return one.number == process; });
  if (found == processes_.end()) return orders;
  if (found->paused) orders.push_back({process, false});
  paused_before_ += found->PausedTime(now);
  processes_.erase(found);
  Fit(now);  // those behind it may have room now
  return orders;
}

PacerPolicy::Orders PacerPolicy::SetBusy(int lanes, MonotonicTime now) {
  if (lanes == busy_) return {};
  busy_ = lanes;
  Fit(now);
  return Decide(now);
}

PacerPolicy::Orders PacerPolicy::Tick(MonotonicTime now) { return Decide(now); }

void PacerPolicy::Fit(MonotonicTime now) {
  int free = options_.cores - busy_;
  for (Process& process : processes_) {
    const bool fits = busy_ == 0 || free > 0;
    free -= process.threads;
    if (!fits) process.fits_since = kNever;
    if (fits && process.fits_since == kNever) process.fits_since = now;
  }
}

PacerPolicy::Orders PacerPolicy::Decide(MonotonicTime now) {
  Orders orders;
  for (Process& process : processes_) {
    const bool fits = process.fits_since != kNever;
    if (!fits && !process.paused) {
      process.paused = true;
      process.paused_since = now;
      orders.push_back({process.number, true});
    } else if (fits && process.paused && now - process.fits_since >= options_.quiet) {
      process.paused = false;
      process.paused_time += now - process.paused_since;
      orders.push_back({process.number, false});
    }
  }
  return orders;
}

MonotonicTime PacerPolicy::next_tick() const {
  MonotonicTime next = kNever;
  for (const Process& process : processes_) {
    if (process.paused && process.fits_since != kNever) next = std::min(next, process.fits_since + options_.quiet);
  }
  return next;
}

bool PacerPolicy::any_paused() const {
  return std::any_of(processes_.begin(), processes_.end(), [](const Process& process) { return process.paused; });
}

bool PacerPolicy::Has(int64_t process) const {
  return std::any_of(processes_.begin(), processes_.end(),
                     [process](const Process& one) { return one.number == process; });
}

std::chrono::nanoseconds PacerPolicy::PausedTime(int64_t process, MonotonicTime now) const {
  for (const Process& one : processes_) {
    if (one.number == process) return one.PausedTime(now);
  }
  return std::chrono::nanoseconds(0);
}

std::chrono::nanoseconds PacerPolicy::TotalPausedTime(MonotonicTime now) const {
  std::chrono::nanoseconds total = paused_before_;
  for (const Process& process : processes_) total += process.PausedTime(now);
  return total;
}

}  // namespace beak
