#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/bench/schedule.h"
#include "client/bench/tally.h"
#include "client/security.h"

namespace beak::bench {

struct LoadOptions {
  std::string server;  // HOST:PORT
  client::Security security;
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
  int connections = 1;
  std::string body;  // a ModelInferRequest, serialised once: every call sends these bytes
  // Closed loop: so many requests under way, each followed by the next when it is answered. 0: open loop.
  int64_t concurrency = 0;
  // Open loop: requests are sent when they are due, whatever became of those before.
  double rate = 0;  // per second
  Arrival arrival = Arrival::kPoisson;
  uint64_t seed = 1;
  int64_t max_outstanding = 4096;

  std::chrono::nanoseconds warm_up{0};  // before counting
  std::chrono::nanoseconds duration = std::chrono::seconds(10);
  std::chrono::nanoseconds deadline{0};  // of a request, from when it is due; zero: none
};

// Loads a server with one request over and over. A thread for each connection takes the answers (and, in a closed loop,
// sends the next requests); in an open loop one more sends. Answers are not decoded. *Thread-safe.*
class Load {
 public:
  // UNAVAILABLE where nobody answers; INVALID_ARGUMENT for security that makes no sense. REQUIRES: the numbers above
  // are positive where they are used.
  static absl::StatusOr<std::unique_ptr<Load>> Connect(const LoadOptions& options);
  virtual ~Load() = default;

  // Sends one request and waits for its answer, before Start.
  virtual absl::Status Probe() = 0;

  // Call once. Counting begins after the warm-up, and is over at end().
  virtual void Start() = 0;
  virtual MonotonicTime end() const = 0;
  virtual Tally so_far() const = 0;
  // Nothing is due or under way any more. After end() this comes by itself, as far as the server answers.
  virtual bool all_answered() const = 0;

  // Cancels what is under way, and tells the result. Call once, after Start.
  virtual Tally Finish() = 0;
};

}  // namespace beak::bench
