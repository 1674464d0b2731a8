#pragma once

#include <chrono>
#include <cstdint>
#include <random>

#include "engine/base/clock.h"

namespace beak::bench {

enum class Arrival {
  kPoisson,   // as from many clients that know nothing of each other
  kConstant,  // one every 1 / rate seconds
};

// The times at which requests are due, as offsets from a beginning: the same ones for the same seed.
// *Thread-compatible.*
class Arrivals {
 public:
  // REQUIRES: rate > 0, in requests per second.
  Arrivals(Arrival kind, double rate, uint64_t seed) : kind_(kind), rate_(rate), random_(seed) {}

  // The next offset; never before the last one.
  std::chrono::nanoseconds Next();

 private:
  const Arrival kind_;
  const double rate_;
  std::mt19937_64 random_;
  double seconds_ = 0;
  uint64_t count_ = 0;
};

// When an open loop sends: every arrival once, at its time or as soon after it as the limit of requests under way
// allows. Pure; *Thread-compatible*.
class OpenLoop {
 public:
  enum class Act {
    kSend,   // the request that was due at `time`
    kWait,   // until `time`
    kBlock,  // until there are fewer requests under way
    kDone,   // nothing is due before the end any more
  };
  struct Step {
    Act act = Act::kDone;
    MonotonicTime time;
  };

  // REQUIRES: max_outstanding >= 1.
  OpenLoop(Arrivals arrivals, MonotonicTime begin, MonotonicTime end, int64_t max_outstanding);

  // What to do at `now` while so many requests are under way.
  Step Next(MonotonicTime now, int64_t outstanding);

  // Arrivals that were sent late because of the limit.
  uint64_t blocked() const { return blocked_; }

 private:
  Arrivals arrivals_;
  const MonotonicTime begin_;
  const MonotonicTime end_;
  const int64_t max_outstanding_;
  MonotonicTime due_;
  bool blocking_ = false;
  MonotonicTime blocked_until_;
  uint64_t blocked_ = 0;
};

}  // namespace beak::bench
