#pragma once

#include <map>
#include <memory>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/models/model_version.h"
#include "server/models/preparer.h"
#include "server/models/program_set.h"
#include "server/models/warm_up.h"
#include "server/predict/network_call.h"
#include "server/scheduling/scheduler.h"
#include "server/scheduling/workload.h"

namespace beak {

// The requests to one version of a model with inputs of the same shapes: copies their rows together, runs them, and
// hands each its own. Its tasks are PredictTasks. *Thread-safe.*
class ModelWorkload final : public Workload, public std::enable_shared_from_this<ModelWorkload> {
 public:
  // What it needs of the server; outlives it.
  struct Parts {
    Preparer& preparer;
    Scheduler& scheduler;
    const Clock& clock;
    Tracer& tracer;
  };

  ModelWorkload(std::shared_ptr<const ModelVersion> version, std::shared_ptr<ProgramSet> programs, const Parts& parts);

  const QueueOptions& options() const override { return options_; }
  std::shared_ptr<const CostCurve> costs() const override { return programs_->costs().curve(); }
  void Run(std::vector<std::shared_ptr<Task>> batch, const BatchRun& how) override;

  // Has programs compiled where there are none yet, beside the lanes; tasks may be submitted at once, if this is called
  // again afterwards. The error of having tried before, or UNAVAILABLE where too much is being compiled.
  absl::Status PreparePrograms(int lanes);

 private:
  using Tasks = std::vector<std::shared_ptr<Task>>;

  void RunOn(WorkspaceLease& lease, Tasks& batch, const BatchRun& how);
  void RunEachAlone(Tasks& batch, const BatchRun& how);
  void Gather(const Tasks& batch, const BatchRun& how, WorkspaceLease& lease) const;
  ComputeTimes HandOut(const Tasks& batch, const BatchRun& how, const WorkspaceLease& lease, ComputeTimes times);
  // Where the batch has a number: one of its requests is traced.
  void Trace(const Tasks& batch, const BatchRun& how, uint64_t number, MonotonicTime began, const ComputeTimes& times);
  void PrepareFirst(int lanes, const CancelToken& stop);
  void Prepare(WarmUpOptions options, const CancelToken& stop);
  void PrepareSize(int64_t rows);

  const std::shared_ptr<const ModelVersion> version_;
  const std::shared_ptr<ProgramSet> programs_;
  const QueueOptions options_;
  const Parts parts_;
};

// The workloads that have tasks, so that requests to the same version and of the same shapes find the same one.
// *Thread-safe.*
class WorkloadRegistry {
 public:
  explicit WorkloadRegistry(const ModelWorkload::Parts& parts) : parts_(parts) {}

  std::shared_ptr<ModelWorkload> Get(const std::shared_ptr<const ModelVersion>& version,
                                     const std::vector<Shape>& row_shapes) EXCLUDES(mutex_);

 private:
  const ModelWorkload::Parts parts_;
  Mutex mutex_;
  std::map<const ProgramSet*, std::weak_ptr<ModelWorkload>> workloads_ GUARDED_BY(mutex_);
};

}  // namespace beak
