#pragma once

#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "server/models/manager.h"
#include "server/observe/metrics.h"
#include "server/predict/request.h"
#include "server/scheduling/scheduler.h"

namespace beak {

// Answers predict requests: finds the version, checks the request against it, has it scheduled, runs it on a lane, and
// records what became of it. The one way in for every front end. *Thread-safe.*
class Predictor {
 public:
  // Told the answer, once, on whatever thread has it; must be quick.
  using Done = std::function<void(absl::StatusOr<PredictResponse>)>;

  // All must outlive it, and every request.
  Predictor(const ModelManager& models, Scheduler& scheduler, Metrics& metrics, const Clock& clock)
      : models_(models), scheduler_(scheduler), metrics_(metrics), clock_(clock) {}

  // Starts a request. `done` may be called before this returns; what `request` points to must live until then. The
  // result is for Cancel; null where the request did not get as far as the queue.
  std::shared_ptr<Task> Start(const PredictRequest& request, Done done);

  // The client has lost interest: the request is answered now if it waits, and soon if it runs. Null is allowed.
  void Cancel(const std::shared_ptr<Task>& request);

 private:
  const ModelManager& models_;
  Scheduler& scheduler_;
  Metrics& metrics_;
  const Clock& clock_;
};

}  // namespace beak
