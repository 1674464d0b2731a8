#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/engine.h"
#include "server/models/ensemble.h"
#include "server/models/program_set.h"
#include "server/models/serving_options.h"
#include "server/models/signature.h"
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
    std::string file;                                      // of the network; empty for an ensemble
    std::shared_ptr<Model> network;                        // null for an ensemble
    std::shared_ptr<const Ensemble> ensemble;              // null for a network
    std::shared_ptr<const inference::ModelConfig> config;  // complete
    ServingOptions options;
    Signature signature;
    std::shared_ptr<VersionObserver> observer;
    int lanes = 1;
  };

  explicit ModelVersion(Parts parts);

  const std::string& model() const { return parts_.model; }
  int64_t version() const { return parts_.version; }
  const std::string& file() const { return parts_.file; }
  const inference::ModelConfig& config() const { return *parts_.config; }
  const ServingOptions& options() const { return parts_.options; }
  const Signature& signature() const { return parts_.signature; }
  VersionObserver& observer() const { return *parts_.observer; }
  // Null where the version is a network.
  const Ensemble* ensemble() const { return parts_.ensemble.get(); }
  // A number that no other load of any version has.
  uint64_t load() const { return load_; }

  // The programs for inputs of these shapes, in the network's order, without the batch dimension where there is one.
  // Those of the shapes used last are kept; a set that is new has none prepared. REQUIRES: no ensemble.
  std::shared_ptr<ProgramSet> Programs(const std::vector<Shape>& row_shapes) const EXCLUDES(mutex_);
  // All that are kept.
  std::vector<std::shared_ptr<ProgramSet>> AllPrograms() const EXCLUDES(mutex_);

  // The rows of a batch at most; 1 where the network has no batch dimension.
  int64_t max_batch_rows() const { return parts_.signature.batched() ? parts_.signature.max_batch_size : 1; }

  int64_t weight_bytes() const { return parts_.network ? parts_.network->weight_bytes() : 0; }
  int num_programs() const { return parts_.network ? parts_.network->num_programs() : 0; }

 private:
  const Parts parts_;
  const uint64_t load_;
  mutable Mutex mutex_;
  mutable std::list<std::shared_ptr<ProgramSet>> programs_ GUARDED_BY(mutex_);  // used last first
};

}  // namespace beak
