#include "server/predict/model_workload.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/process.h"
#include "engine/base/retry_after.h"
#include "engine/base/status.h"

namespace beak {
namespace {

PredictTask& AsPredict(const std::shared_ptr<Task>& task) { return static_cast<PredictTask&>(*task); }

QueuePolicy MakePolicy(const ServingOptions::Queue& queue) {
  const auto action = queue.delay_on_timeout ? QueuePolicy::TimeoutAction::kDelay : QueuePolicy::TimeoutAction::kReject;
  return {action, queue.timeout, queue.max_requests};
}

QueueOptions MakeOptions(const ModelVersion& version) {
  const ServingOptions& serving = version.options();
  QueueOptions options;
  options.model = version.model();
  options.max_batch_rows = version.max_batch_rows();
  options.preferred_rows = serving.preferred_rows;
  options.max_delay = serving.max_queue_delay;
  options.objective = serving.objective;
  options.max_queue_rows = serving.max_queue_rows;
  options.max_cores = serving.max_cores;
  options.weight = serving.weight;
  options.priority_levels = serving.priority_levels;
  options.default_priority = serving.default_priority;
  options.default_policy = MakePolicy(serving.default_queue);
  for (const auto& [level, queue] : serving.queues) options.policies[level] = MakePolicy(queue);
  return options;
}

// A run goes on for as long as anybody can still use it: not once everybody has gone, or what is left to be done takes
// longer than anybody waits, even on a machine with nothing else to do.
class NobodyWaits final : public StopCondition {
 public:
  NobodyWaits(const std::vector<std::shared_ptr<Task>>& batch, std::chrono::nanoseconds least, const Clock& clock)
      : batch_(batch), least_(least), clock_(clock) {}

  bool ShouldStop(double done) const override {
    left_ = std::chrono::nanoseconds(static_cast<int64_t>((1 - done) * static_cast<double>(least_.count())));
    const MonotonicTime end = clock_.Now() + left_;
    return std::all_of(batch_.begin(), batch_.end(),
                       [&](const auto& task) { return task->cancelled() || end >= task->deadline(); });
  }

  // What was left, at least, when it was last asked.
  std::chrono::nanoseconds left() const { return left_; }

 private:
  const std::vector<std::shared_ptr<Task>>& batch_;
  const std::chrono::nanoseconds least_;  // that the whole run takes
  const Clock& clock_;
  mutable std::chrono::nanoseconds left_{0};  // of the one thread that asks
};

void FailEach(const std::vector<std::shared_ptr<Task>>& batch, const absl::Status& status) {
  for (const std::shared_ptr<Task>& task : batch) AsPredict(task).call().TaskFailed(status, std::nullopt);
}

absl::Status WhyStopped(const Task& task, MonotonicTime now) {
  if (now >= task.deadline()) return absl::DeadlineExceededError("the deadline passed while the request ran");
  if (task.cancelled()) return absl::CancelledError("the request was cancelled while it ran");
  return absl::DeadlineExceededError("the request took too long to end before its deadline and was stopped");
}

}  // namespace

ModelWorkload::ModelWorkload(std::shared_ptr<const ModelVersion> version, std::shared_ptr<ProgramSet> programs,
                             const Parts& parts)
    : version_(std::move(version)), programs_(std::move(programs)), options_(MakeOptions(*version_)), parts_(parts) {}

void ModelWorkload::Run(std::vector<std::shared_ptr<Task>> batch, const BatchRun& how) {
  const MonotonicTime begin = parts_.clock.Now();
  int64_t rows = 0;
  for (const std::shared_ptr<Task>& task : batch) {
    AsPredict(task).call().TaskLeftQueue(begin);
    rows += task->rows();
  }
  absl::StatusOr<WorkspaceLease> lease = programs_->Acquire(how.program_rows, how.threads);
  if (!lease.ok()) return FailEach(batch, lease.status());
  RunOn(*lease, batch, how);
  if (how.threads == 1 && rows < how.program_rows && programs_->NotePadding(rows)) PrepareSize(rows);
}

// The deadlines are looked at for the last time with the very stamp that the run's beginning is recorded by; whoever
// has missed it then is taken out of the batch, so that no late row is computed.
void ModelWorkload::RunOn(WorkspaceLease& lease, Tasks& batch, const BatchRun& how) {
  const MonotonicTime begin = parts_.clock.Now();
  const std::chrono::nanoseconds computed_before = ThreadCpuTime();
  MonotonicTime began;
  while (true) {
    Gather(batch, how, lease);
    began = parts_.clock.Now();
    const auto late =
        std::stable_partition(batch.begin(), batch.end(), [&](const auto& task) { return MayRun(*task, began).ok(); });
    if (late == batch.end()) break;
    for (auto task = late; task != batch.end(); ++task) {
      (*task)->Refuse(MayRun(**task, began), (*task)->cancelled() ? Refusal::kCancelled : Refusal::kExpired);
    }
    batch.erase(late, batch.end());
    if (batch.empty()) return;
  }
  const bool traced =
      std::any_of(batch.begin(), batch.end(), [](const auto& task) { return AsPredict(task).call().traced(); });
  const uint64_t number = traced ? parts_.tracer.BeginBatch() : 0;
  for (const std::shared_ptr<Task>& task : batch) AsPredict(task).call().TaskBegan(began, number);
  const std::shared_ptr<const CostCurve> curve = costs();
  const Cost* cost = curve->Smallest(how.program_rows, how.threads);
  const NobodyWaits stop(batch, cost == nullptr ? std::chrono::nanoseconds(0) : cost->least, parts_.clock);
  const absl::Status status = lease.Run(&stop);
  const MonotonicTime ran = parts_.clock.Now();
  if (absl::IsCancelled(status)) {
    Trace(batch, how, number, begin, {began - begin, ran - began, {}});
    const bool too_late = std::any_of(batch.begin(), batch.end(), [&](const auto& task) { return !task->cancelled(); });
    if (too_late) programs_->costs().RecordStopped(how.program_rows, how.threads, ran - begin + stop.left());
    for (const std::shared_ptr<Task>& task : batch) {
      AsPredict(task).call().TaskFailed(WhyStopped(*task, ran), std::nullopt);
    }
    return;
  }
  // What only the data can tell is wrong with one of them, not with all.
  if (!status.ok() && batch.size() > 1) return RunEachAlone(batch, how);
  if (!status.ok()) return FailEach(batch, status);
  const ComputeTimes times = HandOut(batch, how, lease, {began - begin, ran - began, {}});
  programs_->costs().Record(how.program_rows, how.threads, ThreadCpuTime() - computed_before,
                            parts_.clock.Now() - begin);
  Trace(batch, how, number, begin, times);
}

void ModelWorkload::Trace(const Tasks& batch, const BatchRun& how, uint64_t number, MonotonicTime began,
                          const ComputeTimes& times) {
  if (number == 0) return;
  int64_t rows = 0;
  for (const std::shared_ptr<Task>& task : batch) rows += task->rows();
  parts_.tracer.Record(ExecutionTrace{number, how.lane, how.threads, version_->model(), version_->version(), rows,
                                      static_cast<int64_t>(batch.size()), began, times});
}

void ModelWorkload::RunEachAlone(Tasks& batch, const BatchRun& how) {
  for (std::shared_ptr<Task>& task : batch) {
    const std::shared_ptr<const CostCurve> curve = costs();
    const Cost* cost = curve->Smallest(task->rows(), 1);
    BEAK_CHECK(cost != nullptr);
    Tasks alone = {std::move(task)};
    absl::StatusOr<WorkspaceLease> lease = programs_->Acquire(cost->rows, 1);
    if (!lease.ok()) {
      FailEach(alone, lease.status());
    } else {
      RunOn(*lease, alone, {how.lane, cost->rows, 1});
    }
  }
}

void ModelWorkload::Gather(const Tasks& batch, const BatchRun& how, WorkspaceLease& lease) const {
  for (int i = 0; i < lease.num_inputs(); ++i) {
    const std::span<std::byte> input = lease.input(i);
    const size_t row_bytes = input.size() / static_cast<size_t>(how.program_rows);
    size_t filled = 0;
    for (const std::shared_ptr<Task>& task : batch) {
      const PredictTask& part = AsPredict(task);
      const std::span<const std::byte> data = part.call().request().data[static_cast<size_t>(i)];
      const size_t bytes = row_bytes * static_cast<size_t>(part.rows());
      const size_t first = row_bytes * static_cast<size_t>(part.first_row());
      BEAK_CHECK(first + bytes <= data.size() && filled + bytes <= input.size());
      std::memcpy(input.data() + filled, data.data() + first, bytes);
      filled += bytes;
    }
    // Rows that nobody asked for are zeros: whatever stood there might be refused.
    std::memset(input.data() + filled, 0, input.size() - filled);
  }
}

ComputeTimes ModelWorkload::HandOut(const Tasks& batch, const BatchRun& how, const WorkspaceLease& lease,
                                    ComputeTimes times) {
  const MonotonicTime begin = parts_.clock.Now();
  int64_t row = 0;
  for (const std::shared_ptr<Task>& task : batch) {
    const PredictTask& part = AsPredict(task);
    part.call().TakeOutputs(lease, {part.first_row(), part.rows(), row, how.program_rows});
    row += part.rows();
  }
  const MonotonicTime taken = parts_.clock.Now();
  times.output = taken - begin;
  version_->observer().RecordExecution(row, times);
  for (const std::shared_ptr<Task>& task : batch) {
    if (task->cancelled()) {
      AsPredict(task).call().TaskFailed(WhyStopped(*task, taken), std::nullopt);
    } else {
      AsPredict(task).call().TaskRan(times);
    }
  }
  return times;
}

absl::Status ModelWorkload::PreparePrograms(int lanes) {
  RETURN_IF_ERROR(programs_->status());
  if (!programs_->costs().curve()->empty() || !programs_->ClaimPreparation()) return absl::OkStatus();
  const auto prepare = [self = shared_from_this(), lanes](const CancelToken& stop) { self->PrepareFirst(lanes, stop); };
  if (parts_.preparer.Enqueue(Preparer::Urgency::kAwaited, prepare)) return absl::OkStatus();
  programs_->GiveUpPreparation();
  const absl::Status full = WithRetryAfter(
      absl::UnavailableError("too many shapes of inputs are waiting to be compiled"), std::chrono::seconds(1));
  parts_.scheduler.RefuseAll(*this, full);
  return full;
}

// The program that its requests wait for. The larger ones only make it faster: other shapes' first ones go before them.
void ModelWorkload::PrepareFirst(int lanes, const CancelToken& stop) {
  Prepare({}, stop);
  if (!programs_->status().ok()) return;
  const auto rest = [self = shared_from_this(), lanes](const CancelToken& end) {
    self->Prepare(WarmUpOptionsFor(*self->version_, lanes), end);
  };
  // Where there is no room, single rows will do.
  static_cast<void>(parts_.preparer.Enqueue(Preparer::Urgency::kWhenever, rest));
}

void ModelWorkload::Prepare(WarmUpOptions options, const CancelToken& stop) {
  options.stop = &stop;
  options.prepared = [&] { parts_.scheduler.ProgramsChanged(); };
  const absl::Status status = WarmUp(*programs_, options);
  if (status.ok() || absl::IsCancelled(status)) return;
  programs_->SetFailed(status);
  parts_.scheduler.RefuseAll(*this, status);
}

// If it fails, or there is no room, batches go on being padded.
void ModelWorkload::PrepareSize(int64_t rows) {
  const bool enqueued =
      parts_.preparer.Enqueue(Preparer::Urgency::kWhenever, [self = shared_from_this(), rows](const CancelToken&) {
        if (self->programs_->Prepare(rows, 1).ok()) self->parts_.scheduler.ProgramsChanged();
      });
  static_cast<void>(enqueued);
}

std::shared_ptr<ModelWorkload> WorkloadRegistry::Get(const std::shared_ptr<const ModelVersion>& version,
                                                     const std::vector<Shape>& row_shapes) {
  std::shared_ptr<ProgramSet> programs = version->Programs(row_shapes);
  const ProgramSet* key = programs.get();
  MutexLock lock(mutex_);
  std::weak_ptr<ModelWorkload>& entry = workloads_[key];
  if (std::shared_ptr<ModelWorkload> workload = entry.lock()) return workload;
  const auto workload = std::make_shared<ModelWorkload>(version, std::move(programs), parts_);
  entry = workload;
  // Forgets those that have gone, now and then.
  constexpr size_t kMany = 64;
  if (workloads_.size() > kMany) {
    for (auto it = workloads_.begin(); it != workloads_.end();) {
      it = it->second.expired() ? workloads_.erase(it) : std::next(it);
    }
  }
  return workload;
}

}  // namespace beak
