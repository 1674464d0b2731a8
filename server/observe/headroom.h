#pragma once

#include <chrono>
#include <deque>

#include "engine/base/clock.h"

namespace beak {

// How many times the load of the last seconds the machine could sustain: lanes over what has been offered them, refused
// requests included, or cores over what the process has computed, whichever is less. Below 1 is overload. Pure;
// *Thread-compatible.*
class Headroom {
 public:
  // Sums since some time: the seconds of one lane that all requests so far would have taken or have taken, and those of
  // CPU.
  struct Sample {
    MonotonicTime time;
    double offered_seconds = 0;
    double cpu_seconds = 0;
  };

  // What is hardly loaded has room for this many times its load, and nobody needs to know how many more.
  static constexpr double kMax = 100;

  explicit Headroom(int lanes) : lanes_(lanes) {}

  // The headroom since a sample that is some seconds old, or since the first; kMax before there are two.
  double Update(const Sample& now);

 private:
  const int lanes_;
  std::deque<Sample> samples_;  // rising; the first is the youngest that is old enough, if any is
};

}  // namespace beak
