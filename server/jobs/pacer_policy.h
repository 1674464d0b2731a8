#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "engine/base/clock.h"

namespace beak {

// Which train processes may compute while lanes are busy: a process is paused at once when lanes, and processes older
// than it, take every core, and goes on once there has been a core for a while. It need not be as many as the process
// has threads: those have idle priority and share what there is. While no lane is busy all run, whatever they need.
// Time is handed in. *Thread-compatible.*
class PacerPolicy {
 public:
  struct Options {
    int cores = 1;
    // How long lanes must have left room before a process goes on: between two requests of a busy stretch it is not
    // worth a signal.
    std::chrono::nanoseconds quiet = std::chrono::milliseconds(2);
  };
  // Something to be done to a process.
  struct Order {
    int64_t process = 0;
    bool pause = false;  // false: go on

    friend bool operator==(const Order&, const Order&) = default;
  };
  using Orders = std::vector<Order>;

  explicit PacerPolicy(const Options& options) : options_(options) {}

  // A process that runs, with so many threads. REQUIRES: a number that no other has.
  Orders Add(int64_t process, int threads, MonotonicTime now);
  // It is to go on for good.
  Orders Remove(int64_t process, MonotonicTime now);
  Orders SetBusy(int lanes, MonotonicTime now);
  Orders Tick(MonotonicTime now);

  // When Tick may have something to do, as long as nothing changes; kNever: never.
  MonotonicTime next_tick() const;
  bool any_paused() const;
  bool Has(int64_t process) const;

  // How long it has been paused so far; all of them, those that are gone included.
  std::chrono::nanoseconds PausedTime(int64_t process, MonotonicTime now) const;
  std::chrono::nanoseconds TotalPausedTime(MonotonicTime now) const;

 private:
  struct Process {
    int64_t number = 0;
    int threads = 1;
    MonotonicTime fits_since = kNever;  // since when there is a core for it; kNever: there is none
    bool paused = false;
    MonotonicTime paused_since;
    std::chrono::nanoseconds paused_time{0};

    std::chrono::nanoseconds PausedTime(MonotonicTime now) const {
      return paused ? paused_time + (now - paused_since) : paused_time;
    }
  };

  void Fit(MonotonicTime now);
  Orders Decide(MonotonicTime now);

  const Options options_;
  int busy_ = 0;
  std::vector<Process> processes_;             // oldest first
  std::chrono::nanoseconds paused_before_{0};  // by those that are gone
};

}  // namespace beak
