#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/observe/metrics.h"

namespace beak {

// Answers GET /metrics on a port of its own, with threads of its own, for as long as it lives. *Thread-safe.* Its end
// takes up to two seconds, the interval at which the library looks whether it should stop.
class MetricsEndpoint {
 public:
  // `port` 0 picks a free one. UNAVAILABLE where the address cannot be listened on. `metrics` must outlive it.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Create(const std::string& host, int port,
                                                                 const Metrics& metrics);
  virtual ~MetricsEndpoint() = default;

  virtual int port() const = 0;
};

}  // namespace beak
