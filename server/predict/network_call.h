#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/models/model_version.h"
#include "server/observe/statistics.h"
#include "server/observe/tracer.h"
#include "server/predict/prediction.h"
#include "server/predict/validate.h"
#include "server/scheduling/scheduler.h"

namespace beak {

class NetworkCall;

// Some of the rows of a request: what waits, is batched and runs as a whole.
class PredictTask final : public Task {
 public:
  PredictTask(std::shared_ptr<Workload> workload, const Properties& properties, std::shared_ptr<NetworkCall> call,
              int64_t first_row);

  NetworkCall& call() const { return *call_; }
  int64_t first_row() const { return first_row_; }

  void Refuse(absl::Status why, Refusal reason) override;

 private:
  const std::shared_ptr<NetworkCall> call_;
  const int64_t first_row_;
};

// A checked request to one network on its way through the scheduler: split into tasks, and joined again. It is
// answered, and recorded, exactly once, when none of its tasks is left: recorded first, so that whoever has the answer
// finds it in the metrics. *Thread-safe.*
class NetworkCall final : public Prediction, public std::enable_shared_from_this<NetworkCall> {
 public:
  // What is known of the request beside its tensors.
  struct About {
    MonotonicTime received;
    MonotonicTime deadline = kNever;
    bool continues = false;                  // see Task
    RequestObservation* observed = nullptr;  // see PredictRequest
    uint64_t trace_number = 0;               // 0: it is not in the trace file
    std::string id;                          // for that
    std::optional<TraceContext> trace;
  };
  // What it needs of the server; outlives it.
  struct Parts {
    Scheduler& scheduler;
    const Clock& clock;
    Tracer& tracer;
  };

  NetworkCall(std::shared_ptr<const ModelVersion> version, ValidRequest request, About about, const Parts& parts,
              PredictDone done);

  // Hands the request over in parts of so many rows, which add up to its own. Call once.
  void Submit(const std::shared_ptr<Workload>& workload, const std::vector<int64_t>& parts, uint64_t priority);
  void Cancel() override;

  const ValidRequest& request() const { return request_; }
  bool traced() const { return about_.trace_number != 0; }

  // A lane has taken a task of it; the run begins, as part of a batch of this number where it is traced.
  void TaskLeftQueue(MonotonicTime now);
  void TaskBegan(MonotonicTime now, uint64_t batch);
  // Takes a task's rows out of a run: `rows` from its own `first_row` on stand at `batch_row` of `batch_rows`.
  struct Place {
    int64_t first_row = 0;
    int64_t rows = 1;
    int64_t batch_row = 0;
    int64_t batch_rows = 1;
  };
  void TakeOutputs(const WorkspaceLease& lease, const Place& place);
  // A task is over: with success, its outputs having been taken, or not.
  void TaskRan(const ComputeTimes& times);
  void TaskFailed(absl::Status status, std::optional<Refusal> refusal);

 private:
  void AllocateOutputs(const WorkspaceLease& lease, int64_t batch_rows) EXCLUDES(mutex_);
  void TaskOver() EXCLUDES(mutex_);
  void Trace(const RequestObservation& observation, uint64_t batch);

  const std::shared_ptr<const ModelVersion> version_;
  const ValidRequest request_;
  const About about_;
  const Parts parts_;
  const PredictDone done_;

  Mutex mutex_;
  std::vector<std::shared_ptr<Task>> tasks_ GUARDED_BY(mutex_);  // empty once all are over
  size_t left_ GUARDED_BY(mutex_) = 0;                           // of them
  absl::Status status_ GUARDED_BY(mutex_);                       // the first failure
  RequestObservation observation_ GUARDED_BY(mutex_);
  uint64_t batch_ GUARDED_BY(mutex_) = 0;  // the last that it was in
  // Laid out by the task that is over first; each task then fills in rows of its own, without the lock.
  bool allocated_ GUARDED_BY(mutex_) = false;
  std::vector<OutputTensor> outputs_;
};

}  // namespace beak
