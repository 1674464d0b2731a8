#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "client/bench/histogram.h"
#include "engine/base/clock.h"

namespace beak::bench {

// Errors of one code.
struct ErrorTally {
  Histogram latency;    // until the error came
  std::string message;  // the text of the first
};

// What became of the requests that were counted. A value type.
struct Tally {
  std::chrono::nanoseconds duration{0};  // of counting
  uint64_t requests = 0;                 // that were counted; `latency` and `errors` are of these
  uint64_t in_time = 0;                  // those of them that were answered with success within their deadline
  uint64_t answered = 0;                 // with success while counting went on, whenever they were due
  uint64_t blocked = 0;                  // sent late because too many were under way
  bool interrupted = false;
  Histogram latency;  // of successes
  std::map<absl::StatusCode, ErrorTally> errors;
};

// Counts requests into a tally, those that belong to it. Pure; *Thread-compatible*.
class Counter {
 public:
  enum class By { kDueTime, kAnswerTime };

  // A request belongs to the tally if it was due, or was answered, from `begin` to before `end`. `deadline`: how long
  // after its due time an answer is in time; zero: always.
  Counter(By by, MonotonicTime begin, MonotonicTime end, std::chrono::nanoseconds deadline)
      : by_(by), begin_(begin), end_(end), deadline_(deadline) {}

  void Add(const absl::Status& status, MonotonicTime due, MonotonicTime answered);

  // Counting ended at `now`, which may be before its time.
  Tally Finish(MonotonicTime now) const;
  const Tally& so_far() const { return tally_; }

 private:
  const By by_;
  const MonotonicTime begin_;
  const MonotonicTime end_;
  const std::chrono::nanoseconds deadline_;
  Tally tally_;
};

}  // namespace beak::bench
