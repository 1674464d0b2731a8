#include "server/scheduling/dispatcher.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "engine/base/retry_after.h"

namespace beak {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

uint64_t LevelOf(const Task& task) { return task.workload().options().Level(task.priority()); }

// Of so many rows on one lane, in the batches that make them cheapest; 0 while nothing is known.
nanoseconds CostOf(const Workload& workload, int64_t rows) {
  const std::shared_ptr<const CostCurve> costs = workload.costs();
  if (!costs || costs->empty()) return nanoseconds(0);
  nanoseconds least = nanoseconds::max();
  for (const Cost& cost : costs->costs()) {
    if (cost.threads == 1) least = std::min(least, cost.mean * rows / cost.rows);
  }
  return least;
}

}  // namespace

// ---------------------------------------------------------------- tasks come

Dispatcher::Rejection Dispatcher::Admit(const Tasks& tasks, MonotonicTime now) {
  const Task& first = *tasks.front();
  for (const std::shared_ptr<Task>& task : tasks) offered_seconds_ += Seconds(CostOf(task->workload(), task->rows()));
  const auto found = queues_.find({&first.workload(), LevelOf(first)});
  Rejection rejection = CheckRoom(tasks, found == queues_.end() ? nullptr : &found->second);
  for (const std::shared_ptr<Task>& task : tasks) {
    if (rejection.why.ok()) rejection = CheckHope(*task, now);
  }
  if (!rejection.why.ok()) return rejection;
  TaskQueue& queue = QueueFor(first);
  for (const std::shared_ptr<Task>& task : tasks) {
    rows_ += task->rows();
    bytes_ += task->bytes();
    queue.Push(task);
  }
  return {};
}

Dispatcher::Rejection Dispatcher::CheckRoom(const Tasks& tasks, const TaskQueue* queue) const {
  int64_t rows = 0;
  int64_t bytes = 0;
  for (const std::shared_ptr<Task>& task : tasks) {
    rows += task->rows();
    bytes += task->bytes();
  }
  if (rows > options_.max_queue_rows) {
    return {absl::ResourceExhaustedError(absl::StrCat("a request: expected at most ", options_.max_queue_rows,
                                                      " rows, as many as may wait, got ", rows)),
            Refusal::kQueueFull};
  }
  if (rows > options_.max_queue_rows - rows_) {
    return Full(
        absl::StrCat("the queue is full: ", rows_, " of ", options_.max_queue_rows, " rows wait, got ", rows, " more"),
        nullptr);
  }
  if (bytes_ > 0 && bytes > options_.max_queue_bytes - bytes_) {
    return Full(absl::StrCat("the queue is full: ", bytes_, " of ", options_.max_queue_bytes, " bytes wait, got ",
                             bytes, " more"),
                nullptr);
  }
  const QueueOptions& options = tasks.front()->workload().options();
  int64_t model_rows = 0;  // of all its workloads and priorities
  for (const auto& [key, one] : queues_) {
    if (one.workload().options().model == options.model) model_rows += one.rows();
  }
  if (options.max_queue_rows > 0 && model_rows > 0 && rows > options.max_queue_rows - model_rows) {
    return Full(absl::StrCat("the model's queue is full: ", model_rows, " of ", options.max_queue_rows,
                             " rows wait, got ", rows, " more"),
                queue);
  }
  if (queue == nullptr) return {};
  const int64_t max_requests = queue->policy().max_requests;
  if (max_requests > 0 && queue->requests() >= max_requests) {
    return Full(absl::StrCat("the model's queue is full: exceeds maximum queue size of ", max_requests), queue);
  }
  return {};
}

// With the time by which about half of what waits will have run.
Dispatcher::Rejection Dispatcher::Full(const std::string& what, const TaskQueue* queue) const {
  nanoseconds backlog(0);
  for (const auto& [key, one] : queues_) {
    if (queue == nullptr || &one == queue) backlog += CostOf(one.workload(), one.rows());
  }
  const auto delay = std::chrono::duration_cast<milliseconds>(backlog / (2 * options_.lanes));
  return {WithRetryAfter(absl::UnavailableError(what), std::clamp(delay, milliseconds(1), milliseconds(10'000))),
          Refusal::kQueueFull};
}

Dispatcher::Rejection Dispatcher::CheckHope(const Task& task, MonotonicTime now) const {
  if (absl::Status status = MayRun(task, now); !status.ok()) {
    return {status, task.cancelled() ? Refusal::kCancelled : Refusal::kExpired};
  }
  const std::shared_ptr<const CostCurve> costs = task.workload().costs();
  if (!costs || costs->empty()) return {};
  const Cost* cost = costs->Smallest(task.rows(), 1);
  if (cost == nullptr) {
    return {absl::InternalError(absl::StrCat("no program for ", task.rows(), " rows")), Refusal::kFailed};
  }
  if (now < HopelessFrom(task, IdleCores())) return {};
  const auto milliseconds_of = [](nanoseconds duration) { return Seconds(duration) * 1e3; };
  return {absl::DeadlineExceededError(absl::StrCat("the request cannot be finished by its deadline: it has ",
                                                   milliseconds_of(task.deadline() - now), " ms left and takes ",
                                                   milliseconds_of(cost->least), " ms at least")),
          Refusal::kHopeless};
}

TaskQueue& Dispatcher::QueueFor(const Task& task) {
  const std::string& model = task.workload().options().model;
  const uint64_t level = LevelOf(task);
  const bool idle = std::none_of(queues_.begin(), queues_.end(),
                                 [&](const auto& queue) { return queue.second.workload().options().model == model; });
  // A model that had nothing to do has no claim to the time that it did not use.
  if (idle) service_[model] = std::max(service_[model], served_);
  return queues_.try_emplace({&task.workload(), level}, task.shared_workload(), level).first->second;
}

// ---------------------------------------------------------------- tasks go

std::shared_ptr<Task> Dispatcher::Take(const Task& task) {
  const auto queue = queues_.find({&task.workload(), LevelOf(task)});
  if (queue == queues_.end()) return nullptr;
  std::shared_ptr<Task> taken = queue->second.Take(task);
  if (taken) Gone(*taken);
  RemoveEmptyQueues();
  return taken;
}

Dispatcher::Tasks Dispatcher::TakeAll(const Workload* workload) {
  Tasks all;
  for (auto& [key, queue] : queues_) {
    if (workload != nullptr && key.first != workload) continue;
    for (std::shared_ptr<Task>& task : queue.TakeAll()) {
      Gone(*task);
      all.push_back(std::move(task));
    }
  }
  RemoveEmptyQueues();
  return all;
}

Dispatcher::Refused Dispatcher::TakeHopeless(MonotonicTime now) {
  Refused all;
  for (auto& [key, queue] : queues_) {
    for (TaskQueue::Refused& refused : queue.TakeHopeless(now, IdleCores())) {
      Gone(*refused.task);
      all.push_back(std::move(refused));
    }
  }
  if (!all.empty()) RemoveEmptyQueues();
  return all;
}

void Dispatcher::Gone(const Task& task) {
  rows_ -= task.rows();
  bytes_ -= task.bytes();
}

void Dispatcher::RemoveEmptyQueues() {
  for (auto queue = queues_.begin(); queue != queues_.end();) {
    queue = queue->second.empty() ? queues_.erase(queue) : std::next(queue);
  }
}

// ---------------------------------------------------------------- lanes

Dispatcher::Work Dispatcher::TakeBatch(int lane, MonotonicTime now) {
  std::vector<QueueState> states;
  states.reserve(queues_.size());
  for (const auto& [key, queue] : queues_) {
    states.push_back({&queue, queue.workload().costs(), service_[queue.workload().options().model]});
  }
  const Decision decision = Decide(states, {options_.lanes, options_.lanes - busy_cores_}, now);
  next_look_ = decision.look_again;
  if (decision.queue == nullptr) return {};
  if (decision.cost.threads > 1 && lane != kWideLane) return {{}, {}, true};
  const QueueOptions& options = decision.queue->workload().options();
  Work work;
  work.how = {lane, decision.cost.rows, decision.cost.threads};
  TaskQueue& queue = queues_.find({&decision.queue->workload(), decision.queue->level()})->second;
  for (std::shared_ptr<Task>& task : queue.TakeFront(decision.shed)) {
    Gone(*task);
    work.shed.push_back({std::move(task), Refusal::kHopeless});
  }
  work.batch = queue.TakeFront(decision.tasks);
  for (const std::shared_ptr<Task>& task : work.batch) Gone(*task);
  double& service = service_[options.model];
  served_ = service;
  service += Seconds(decision.cost.mean) * decision.cost.threads / options.weight;
  RemoveEmptyQueues();
  running_[static_cast<size_t>(lane)] = work.batch;
  busy_cores_ += work.how.threads;
  ++runs_;
  return work;
}

Dispatcher::Tasks Dispatcher::LaneIsFree(const BatchRun& how) {
  busy_cores_ -= how.threads;
  --runs_;
  return std::exchange(running_[static_cast<size_t>(how.lane)], {});
}

MonotonicTime Dispatcher::next_check() const {
  MonotonicTime next = kNever;
  for (const auto& [key, queue] : queues_) next = std::min(next, queue.next_check());
  return next;
}

}  // namespace beak
