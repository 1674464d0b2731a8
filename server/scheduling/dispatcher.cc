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
nanoseconds CostOf(const CostCurve* costs, int64_t rows) {
  if (costs == nullptr || costs->empty()) return nanoseconds(0);
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
  const std::shared_ptr<const CostCurve> costs = first.workload().costs();
  for (const std::shared_ptr<Task>& task : tasks) offered_seconds_ += Seconds(CostOf(costs.get(), task->rows()));
  const auto found = queues_.find({&first.workload(), LevelOf(first)});
  Rejection rejection = CheckRoom(tasks, found == queues_.end() ? nullptr : &found->second);
  for (const std::shared_ptr<Task>& task : tasks) {
    if (rejection.why.ok()) rejection = CheckHope(*task, costs.get(), now);
  }
  if (!rejection.why.ok()) return rejection;
  Queue& queue = found == queues_.end() ? QueueFor(first) : found->second;
  for (const std::shared_ptr<Task>& task : tasks) {
    rows_ += task->rows();
    bytes_ += task->bytes();
    queue.model.rows += task->rows();
    queue.tasks.Push(task);
  }
  return {};
}

Dispatcher::Rejection Dispatcher::CheckRoom(const Tasks& tasks, const Queue* queue) const {
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
  if (options.max_queue_rows > 0) {
    const auto model = models_.find(options.model);
    const int64_t model_rows = model == models_.end() ? 0 : model->second.rows;  // of all its workloads and priorities
    if (model_rows > 0 && rows > options.max_queue_rows - model_rows) {
      return Full(absl::StrCat("the model's queue is full: ", model_rows, " of ", options.max_queue_rows,
                               " rows wait, got ", rows, " more"),
                  queue);
    }
  }
  if (queue == nullptr) return {};
  const int64_t max_requests = queue->tasks.policy().max_requests;
  if (max_requests > 0 && queue->tasks.requests() >= max_requests) {
    return Full(absl::StrCat("the model's queue is full: exceeds maximum queue size of ", max_requests), queue);
  }
  return {};
}

// With the time by which about half of what waits will have run.
Dispatcher::Rejection Dispatcher::Full(const std::string& what, const Queue* queue) const {
  nanoseconds backlog(0);
  for (const auto& [key, one] : queues_) {
    if (queue != nullptr && &one != queue) continue;
    backlog += CostOf(one.tasks.workload().costs().get(), one.tasks.rows());
  }
  const auto delay = std::chrono::duration_cast<milliseconds>(backlog / (2 * options_.lanes));
  return {WithRetryAfter(absl::UnavailableError(what), std::clamp(delay, milliseconds(1), milliseconds(10'000))),
          Refusal::kQueueFull};
}

Dispatcher::Rejection Dispatcher::CheckHope(const Task& task, const CostCurve* costs, MonotonicTime now) const {
  if (absl::Status status = MayRun(task, now); !status.ok()) {
    return {status, task.cancelled() ? Refusal::kCancelled : Refusal::kExpired};
  }
  if (costs == nullptr || costs->empty()) return {};
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

Dispatcher::Queue& Dispatcher::QueueFor(const Task& task) {
  Model& model = ModelNamed(task.workload().options().model);
  // A model that had nothing to do has no claim to the time that it did not use.
  if (model.queues == 0) model.service = std::max(model.service, served_);
  ++model.queues;
  const uint64_t level = LevelOf(task);
  return queues_.try_emplace({&task.workload(), level}, Queue{{task.shared_workload(), level}, model}).first->second;
}

// Forgets those of which nothing need be known.
Dispatcher::Model& Dispatcher::ModelNamed(const std::string& name) {
  if (const auto model = models_.find(name); model != models_.end()) return model->second;
  std::erase_if(models_,
                [&](const auto& model) { return model.second.queues == 0 && model.second.service <= served_; });
  return models_[name];
}

// ---------------------------------------------------------------- tasks go

std::shared_ptr<Task> Dispatcher::Take(const Task& task) {
  const auto queue = queues_.find({&task.workload(), LevelOf(task)});
  if (queue == queues_.end()) return nullptr;
  std::shared_ptr<Task> taken = queue->second.tasks.Take(task);
  if (taken) Gone(queue->second, *taken);
  if (queue->second.tasks.empty()) Remove(queue);
  return taken;
}

Dispatcher::Tasks Dispatcher::TakeAll(const Workload* workload) {
  Tasks all;
  for (auto& [key, queue] : queues_) {
    if (workload != nullptr && key.first != workload) continue;
    for (std::shared_ptr<Task>& task : queue.tasks.TakeAll()) {
      Gone(queue, *task);
      all.push_back(std::move(task));
    }
  }
  RemoveEmptyQueues();
  return all;
}

Dispatcher::Refused Dispatcher::TakeHopeless(MonotonicTime now) {
  Refused all;
  for (auto& [key, queue] : queues_) {
    for (TaskQueue::Refused& refused : queue.tasks.TakeHopeless(now, IdleCores())) {
      Gone(queue, *refused.task);
      all.push_back(std::move(refused));
    }
  }
  if (!all.empty()) RemoveEmptyQueues();
  return all;
}

void Dispatcher::Gone(Queue& queue, const Task& task) {
  rows_ -= task.rows();
  bytes_ -= task.bytes();
  queue.model.rows -= task.rows();
}

void Dispatcher::RemoveEmptyQueues() {
  for (auto queue = queues_.begin(); queue != queues_.end();) {
    queue = queue->second.tasks.empty() ? Remove(queue) : std::next(queue);
  }
}

Dispatcher::Queues::iterator Dispatcher::Remove(Queues::iterator queue) {
  --queue->second.model.queues;
  return queues_.erase(queue);
}

// ---------------------------------------------------------------- lanes

Dispatcher::Work Dispatcher::TakeBatch(int lane, MonotonicTime now) {
  std::vector<QueueState> states;
  states.reserve(queues_.size());
  for (const auto& [key, queue] : queues_) {
    states.push_back({&queue.tasks, queue.tasks.workload().costs(), queue.model.service});
  }
  const Decision decision = Decide(states, {options_.lanes, options_.lanes - busy_cores_}, now);
  next_look_ = decision.look_again;
  if (decision.queue == nullptr) return {};
  if (decision.cost.threads > 1 && lane != kWideLane) return {{}, {}, true};
  Work work;
  work.how = {lane, decision.cost.rows, decision.cost.threads};
  const auto found = queues_.find({&decision.queue->workload(), decision.queue->level()});
  Queue& queue = found->second;
  for (std::shared_ptr<Task>& task : queue.tasks.TakeFront(decision.shed)) {
    Gone(queue, *task);
    work.shed.push_back({std::move(task), Refusal::kHopeless});
  }
  work.batch = queue.tasks.TakeFront(decision.tasks);
  for (const std::shared_ptr<Task>& task : work.batch) Gone(queue, *task);
  served_ = queue.model.service;
  const double weight = queue.tasks.workload().options().weight;
  queue.model.service += Seconds(decision.cost.mean) * decision.cost.threads / weight;
  if (queue.tasks.empty()) Remove(found);
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
  for (const auto& [key, queue] : queues_) next = std::min(next, queue.tasks.next_check());
  return next;
}

}  // namespace beak
