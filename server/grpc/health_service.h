#pragma once

#include <memory>

#include "server/grpc/guard.h"
#include "server/models/manager.h"
#include "server/models/readiness.h"

namespace grpc {
class Service;
}

namespace beak {

// grpc.health.v1.Health for the server (service "") and for each model by its name. *Thread-safe.* Must outlive the
// gRPC server that it is registered with; the others must outlive it.
class HealthService {
 public:
  static std::unique_ptr<HealthService> Create(const Guard& guard, const ModelManager& models,
                                               const Readiness& readiness);
  virtual ~HealthService() = default;

  virtual grpc::Service* service() = 0;

  // Something may have changed: whoever watches is told if it has.
  virtual void Update() = 0;
  // Tells those who watch the state as it is now, for the last time, and ends their calls and those that come later.
  virtual void EndWatches() = 0;
};

}  // namespace beak
