#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "server/frontend/operations.h"
#include "server/models/manager.h"
#include "server/models/readiness.h"
#include "server/predict/predictor.h"
#include "server/security/gatekeeper.h"
#include "server/security/tls_watch.h"

namespace beak {

class JobManager;

// The gRPC front end: the inference service, train jobs, health and reflection on one port. *Thread-safe.*
class GrpcServer {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    int port = 8001;  // 0: a free one
    int64_t max_receive_bytes = int64_t{256} << 20;
    int max_streams = 1024;                                    // that one connection may have open; others wait
    std::chrono::seconds max_idle = std::chrono::minutes(30);  // of a connection without calls; then it is closed
    TlsWatch* tls = nullptr;  // what it encrypts with, which must outlive it; null: nothing is encrypted
  };
  // What the services answer with; all must outlive it.
  struct Parts {
    const Gatekeeper& gatekeeper;
    Operations& operations;
    const ModelManager& models;
    const Readiness& readiness;
    Predictor& predictor;
    const Clock& clock;
    JobManager* jobs;  // null: there are no train jobs
  };

  // Listens from now on. UNAVAILABLE where the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Create(const Options& options, const Parts& parts);
  virtual ~GrpcServer() = default;

  virtual int port() const = 0;

  // The models have changed: health is looked at again.
  virtual void ModelsChanged() = 0;

  // Whoever watches health has been told NOT_SERVING, for the last time; whoever watches a job, to watch again. Other
  // calls are still taken.
  virtual void EndWatches() = 0;

  // Takes no new calls, and returns when all are over. Those that are not by `deadline` are cancelled.
  virtual void Shutdown(MonotonicTime deadline) = 0;
};

}  // namespace beak
