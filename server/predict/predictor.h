#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/models/manager.h"
#include "server/models/preparer.h"
#include "server/observe/metrics.h"
#include "server/observe/tracer.h"
#include "server/predict/answer_order.h"
#include "server/predict/model_workload.h"
#include "server/predict/prediction.h"
#include "server/predict/request.h"
#include "server/predict/response_cache.h"
#include "server/scheduling/scheduler.h"

namespace beak {

// Answers predict requests: finds the version, checks the request against it, looks for an answer that is known, has it
// scheduled, runs it on a lane, and records what became of it. The one way in for every front end. *Thread-safe.*
class Predictor {
 public:
  struct Options {
    int lanes = 1;
    int64_t cache_bytes = int64_t{64} << 20;  // of the response cache, which models ask for
  };
  // What it needs of the server; outlives it, and every request.
  struct Parts {
    const ModelManager& models;
    Scheduler& scheduler;
    Preparer& preparer;
    Metrics& metrics;
    Tracer& tracer;
    const Clock& clock;
  };

  Predictor(const Options& options, const Parts& parts)
      : options_(options),
        parts_(parts),
        workloads_({parts.preparer, parts.scheduler, parts.clock, parts.tracer}),
        cache_(options.cache_bytes) {}

  // Starts a request. `done` may be called before this returns; what `request` points to must live until then. The
  // result is for Cancel; null where the request did not get as far as the queue.
  std::shared_ptr<Prediction> Start(const PredictRequest& request, PredictDone done);

  // Brings gauges up to date, and gives up answers of versions that have gone.
  void RefreshMetrics() EXCLUDES(mutex_);

 private:
  using Version = std::shared_ptr<const ModelVersion>;

  // Of a request that has been checked, with the deadline that counts.
  std::shared_ptr<Prediction> StartNetwork(const Version& version, const PredictRequest& request, ValidRequest valid,
                                           PredictDone done);
  std::shared_ptr<Prediction> StartEnsemble(const Version& version, const PredictRequest& request, ValidRequest valid,
                                            PredictDone done);
  // Answers at once where the answer is known: the result is null. Else it keeps the one that will be given, then calls
  // `done`.
  PredictDone Cached(const Version& version, const PredictRequest& request, int64_t rows, PredictDone done)
      EXCLUDES(mutex_);
  // Gives up what is known of versions that have gone.
  void ForgetGone() EXCLUDES(mutex_);
  // The result calls `done` in the order in which this was called for the version.
  PredictDone InOrder(const Version& version, PredictDone done) EXCLUDES(mutex_);

  const Options options_;
  const Parts parts_;
  WorkloadRegistry workloads_;
  ResponseCache cache_;

  Mutex mutex_;
  std::map<uint64_t, std::weak_ptr<const ModelVersion>> cached_ GUARDED_BY(mutex_);  // by load
  std::map<uint64_t, std::weak_ptr<AnswerOrder>> orders_ GUARDED_BY(mutex_);         // by load; held by their requests
};

}  // namespace beak
