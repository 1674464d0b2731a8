#include "server/scheduling/task_queue.h"

#include <algorithm>

namespace beak {
namespace {

// By when a task without a deadline is due, where the model names no objective: never before those that have one,
// unless it has waited for so long.
constexpr std::chrono::seconds kLeastObjective(1);
constexpr int kObjectiveCosts = 20;
// Before a task that was given more time is looked at again.
constexpr std::chrono::milliseconds kCheckAgain(1);

std::chrono::nanoseconds Objective(const QueueOptions& options, const Cost* cost) {
  if (options.objective.count() > 0) return options.objective;
  const std::chrono::nanoseconds least = kLeastObjective;
  return cost == nullptr ? least : std::max(least, kObjectiveCosts * cost->mean);
}

}  // namespace

MonotonicTime LatestStart(MonotonicTime due, const Cost* cost) {
  return due == kNever || cost == nullptr ? due : due - cost->high;
}

MonotonicTime HopelessFrom(const Task& task, int cores) {
  if (task.deadline() == kNever) return kNever;
  const std::shared_ptr<const CostCurve> costs = task.workload().costs();
  const Cost* narrow = costs ? costs->Smallest(task.rows(), 1) : nullptr;
  if (narrow == nullptr) return task.deadline();
  const Cost* wide = costs->Smallest(task.rows(), task.workload().options().CoresOf(cores));
  return task.deadline() - (wide == nullptr ? narrow->least : std::min(narrow->least, wide->least));
}

void TaskQueue::Push(std::shared_ptr<Task> task) {
  MonotonicTime due = task->deadline();
  if (due == kNever) {
    const std::shared_ptr<const CostCurve> costs = workload_->costs();
    due = task->arrived() + Objective(workload_->options(), costs ? costs->Smallest(task->rows(), 1) : nullptr);
  }
  const Key key{due, next_ticket_++};
  rows_ += task->rows();
  bytes_ += task->bytes();
  requests_ += task->first() ? 1 : 0;
  task->queue_ = this;
  task->queue_key_ = key;
  Waiting waiting{std::move(task)};
  waiting.check_at = CheckAt(waiting);
  if (waiting.check_at != kNever) checks_.emplace(waiting.check_at, key);
  waiting_.emplace(key, std::move(waiting));
}

std::shared_ptr<Task> TaskQueue::Take(const Task& task) {
  return task.queue_ == this ? Remove(waiting_.find(task.queue_key_)) : nullptr;
}

std::vector<std::shared_ptr<Task>> TaskQueue::TakeFront(size_t count) {
  std::vector<std::shared_ptr<Task>> front;
  front.reserve(count);
  while (front.size() < count) front.push_back(Remove(waiting_.begin()));
  return front;
}

std::vector<TaskQueue::Refused> TaskQueue::TakeHopeless(MonotonicTime now, int cores) {
  std::vector<Refused> refused;
  const auto refuse = [&](Place place, Refusal reason) { refused.push_back({Remove(place), reason}); };
  while (next_check() <= now) {
    const Key key = checks_.begin()->second;
    const Place place = waiting_.find(key);
    if (const std::optional<Refusal> reason = Reason(place->second, now, cores)) {
      if (*reason == Refusal::kQueueTimeout && policy_.timeout_action == QueuePolicy::TimeoutAction::kDelay) {
        PutBehind(place);
      } else {
        refuse(place, *reason);
      }
      continue;
    }
    // Costs have fallen since it came, or several cores are free.
    checks_.erase(checks_.begin());
    place->second.check_at = std::max(CheckAt(place->second), now + kCheckAgain);
    checks_.emplace(place->second.check_at, key);
  }
  // Costs may also have risen: those that would run next are looked at again.
  while (!empty()) {
    const Place front = waiting_.begin();
    const Task& task = *front->second.task;
    if (now < HopelessFrom(task, cores)) break;
    refuse(front, Refusal::kHopeless);
  }
  return refused;
}

std::optional<Refusal> TaskQueue::Reason(const Waiting& waiting, MonotonicTime now, int cores) const {
  const Task& task = *waiting.task;
  if (now >= task.deadline()) return Refusal::kExpired;
  if (now >= HopelessFrom(task, cores)) return Refusal::kHopeless;
  const bool timeout = policy_.timeout.count() > 0 && now - task.arrived() >= policy_.timeout;
  if (timeout && !waiting.timeout_over) return Refusal::kQueueTimeout;
  return std::nullopt;
}

void TaskQueue::PutBehind(Place place) {
  const Key old = place->first;
  const Key key{kNever, old.second};
  checks_.erase({place->second.check_at, old});
  auto node = waiting_.extract(place);
  node.key() = key;
  node.mapped().timeout_over = true;
  node.mapped().check_at = CheckAt(node.mapped());
  if (node.mapped().check_at != kNever) checks_.emplace(node.mapped().check_at, key);
  node.mapped().task->queue_key_ = key;
  waiting_.insert(std::move(node));
}

MonotonicTime TaskQueue::CheckAt(const Waiting& waiting) const {
  const MonotonicTime hopeless = HopelessFrom(*waiting.task, 1);
  if (policy_.timeout.count() == 0 || waiting.timeout_over) return hopeless;
  return std::min(hopeless, waiting.task->arrived() + policy_.timeout);
}

std::shared_ptr<Task> TaskQueue::Remove(Place place) {
  Waiting& waiting = place->second;
  std::shared_ptr<Task> task = std::move(waiting.task);
  if (waiting.check_at != kNever) checks_.erase({waiting.check_at, place->first});
  task->queue_ = nullptr;
  rows_ -= task->rows();
  bytes_ -= task->bytes();
  requests_ -= task->first() ? 1 : 0;
  waiting_.erase(place);
  return task;
}

}  // namespace beak
