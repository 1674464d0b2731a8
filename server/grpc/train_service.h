#pragma once

#include <memory>

#include "server/frontend/open_calls.h"
#include "server/grpc/guard.h"

namespace grpc {
class Service;
}

namespace beak {

class JobManager;

// beak.v1.TrainService: converts and delegates. *Thread-safe.* Must outlive the gRPC server that it is registered with;
// the others must outlive it.
class TrainService {
 public:
  // Without `jobs` (null) every call answers FAILED_PRECONDITION and says how a server must be started.
  static std::unique_ptr<TrainService> Create(const Guard& guard, JobManager* jobs, OpenCalls& calls);
  virtual ~TrainService() = default;

  virtual grpc::Service* service() = 0;

  // Tells those who watch a job what has become of it, and ends their calls and those that come later with UNAVAILABLE:
  // whoever wants to see more watches again.
  virtual void EndWatches() = 0;
};

}  // namespace beak
