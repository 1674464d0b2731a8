#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

#include "absl/status/status.h"
#include "engine/base/clock.h"

namespace beak {

// How long the parts of one execution took: rows into the workspace, the network, rows out of it.
struct ComputeTimes {
  std::chrono::nanoseconds input{0};
  std::chrono::nanoseconds infer{0};
  std::chrono::nanoseconds output{0};
};

// What is to be known of a request once it has been answered.
struct RequestObservation {
  absl::StatusCode outcome = absl::StatusCode::kOk;
  int64_t rows = 1;
  MonotonicTime received;                   // when all of it had arrived
  std::optional<MonotonicTime> left_queue;  // when a lane took it, or it was refused while it waited
  std::optional<MonotonicTime> run_began;   // when the network last began to run on rows of it
  MonotonicTime answered;
  MonotonicTime deadline = kNever;
  ComputeTimes compute;           // of its executions; counts where it ran and the outcome is OK
  const char* refusal = nullptr;  // why it was not run, where it was not: a word from a bounded set
};

struct DurationSum {
  uint64_t count = 0;
  uint64_t ns = 0;

  void Add(std::chrono::nanoseconds duration) {
    ++count;
    ns += static_cast<uint64_t>(duration.count());
  }
};

struct BatchStatistics {
  DurationSum compute_input;
  DurationSum compute_infer;
  DurationSum compute_output;
};

// Sums since a version was loaded, as the protocol's ModelStatistics means them. A value type.
struct VersionStatistics {
  uint64_t last_inference_ms = 0;  // since the Unix epoch; 0: never
  uint64_t inference_count = 0;    // rows answered with success
  uint64_t execution_count = 0;    // runs of the network
  // Requests. `queue` and the three parts count requests that were answered with success and did wait or run: an answer
  // from the response cache is a success without them.
  DurationSum success;
  DurationSum fail;
  DurationSum queue;
  DurationSum compute_input;
  DurationSum compute_infer;
  DurationSum compute_output;
  DurationSum cache_hit;                       // looking up what was there, until the answer was in hand
  DurationSum cache_miss;                      // looking up what was not there, and storing it
  std::map<int64_t, BatchStatistics> batches;  // executions, by their number of rows
};

}  // namespace beak
