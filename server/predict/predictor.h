#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "server/models/manager.h"
#include "server/observe/metrics.h"
#include "server/predict/model_workload.h"
#include "server/predict/prediction.h"
#include "server/predict/request.h"
#include "server/scheduling/scheduler.h"

namespace beak {

// Answers predict requests: finds the version, checks the request against it, has it scheduled, runs it on a lane, and
// records what became of it. The one way in for every front end. *Thread-safe.*
class Predictor {
 public:
  struct Options {
    int lanes = 1;
  };

  // All must outlive it, and every request.
  Predictor(const Options& options, const ModelManager& models, Scheduler& scheduler, Preparer& preparer,
            Metrics& metrics, const Clock& clock)
      : options_(options),
        models_(models),
        scheduler_(scheduler),
        metrics_(metrics),
        clock_(clock),
        workloads_(preparer, scheduler, clock) {}

  // Starts a request. `done` may be called before this returns; what `request` points to must live until then. The
  // result is for Cancel; null where the request did not get as far as the queue.
  std::shared_ptr<Prediction> Start(const PredictRequest& request, PredictDone done);

 private:
  std::shared_ptr<Prediction> StartNetwork(std::shared_ptr<const ModelVersion> version, const PredictRequest& request,
                                           PredictDone done);

  const Options options_;
  const ModelManager& models_;
  Scheduler& scheduler_;
  Metrics& metrics_;
  const Clock& clock_;
  WorkloadRegistry workloads_;
};

}  // namespace beak
