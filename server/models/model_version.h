#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/engine.h"
#include "server/models/signature.h"
#include "server/models/workspace_pool.h"
#include "server/observe/metrics.h"

namespace inference {
class ModelConfig;
}

namespace beak {

// One version of a model, ready to serve: what it takes and gives, its network and where it is observed. *Immutable*
// but for its caches, which are *thread-safe*; shared by the requests that run on it and by who publishes it.
class ModelVersion {
 public:
  struct Parts {
    std::string model;
    int64_t version = 1;
    std::shared_ptr<Model> network;
    std::shared_ptr<const inference::ModelConfig> config;  // complete
    Signature signature;
    std::shared_ptr<VersionObserver> observer;
    int max_idle_workspaces = 1;
  };

  explicit ModelVersion(Parts parts);

  const std::string& model() const { return parts_.model; }
  int64_t version() const { return parts_.version; }
  const inference::ModelConfig& config() const { return *parts_.config; }
  const Signature& signature() const { return parts_.signature; }
  VersionObserver& observer() const { return *parts_.observer; }

  // A workspace of the network for inputs of these shapes, in its order, batch dimension included; compiles a program
  // where there is none yet. INVALID_ARGUMENT or RESOURCE_EXHAUSTED for shapes that the network cannot take. The lease
  // must not outlive this object.
  absl::StatusOr<WorkspaceLease> Acquire(const std::vector<Shape>& shapes, int threads) const;

  int64_t weight_bytes() const { return parts_.network->weight_bytes(); }
  int num_programs() const { return parts_.network->num_programs(); }

 private:
  const Parts parts_;
  mutable WorkspacePool workspaces_;
};

}  // namespace beak
