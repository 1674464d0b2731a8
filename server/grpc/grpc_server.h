#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "server/jobs/job_manager.h"
#include "server/models/manager.h"
#include "server/models/readiness.h"
#include "server/predict/predictor.h"

namespace beak {

// The gRPC front end: the inference service, health and reflection on one port. *Thread-safe.*
class GrpcServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    int port = 8001;  // 0: a free one
    int64_t max_receive_bytes = int64_t{256} << 20;
    std::string server_name;
    std::string server_version;
  };

  // Listens from now on. UNAVAILABLE where the address cannot be listened on. The others must outlive it; `jobs` may be
  // null: there are no train jobs.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Create(const Options& options, ModelManager& models,
                                                            const Readiness& readiness, Predictor& predictor,
                                                            const Clock& clock, JobManager* jobs);
  virtual ~GrpcServer() = default;

  virtual int port() const = 0;

  // The models have changed: health is looked at again.
  virtual void ModelsChanged() = 0;

  // Health has been said to be NOT_SERVING to whoever watches, for the last time. Calls are still taken.
  virtual void EndWatches() = 0;

  // Takes no new calls, and returns when all are over. Those that are not by `deadline` are cancelled.
  virtual void Shutdown(MonotonicTime deadline) = 0;
};

}  // namespace beak
