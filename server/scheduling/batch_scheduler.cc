#include "server/scheduling/batch_scheduler.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/retry_after.h"
#include "engine/base/status.h"
#include "engine/base/thread.h"

namespace beak {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

absl::Status ShuttingDown() { return absl::UnavailableError("the server is shutting down"); }

absl::Status Why(Refusal reason) {
  switch (reason) {
    case Refusal::kHopeless:
      return absl::DeadlineExceededError("the request could no longer be finished by its deadline");
    case Refusal::kQueueTimeout:
      return absl::DeadlineExceededError("the request waited for longer than the model's queue policy allows");
    default:
      return absl::DeadlineExceededError("the deadline passed while the request waited for a lane");
  }
}

void RefuseEach(const std::vector<TaskQueue::Refused>& refused) {
  for (const TaskQueue::Refused& one : refused) one.task->Refuse(Why(one.reason), one.reason);
}

nanoseconds CostOf(const Workload& workload, int64_t rows) {
  const std::shared_ptr<const CostCurve> costs = workload.costs();
  const Cost* largest = costs ? costs->Smallest(costs->max_rows(), 1) : nullptr;
  return largest == nullptr ? nanoseconds(0) : largest->mean * rows / largest->rows;
}

}  // namespace

BatchScheduler::BatchScheduler(const Options& options, const Clock& clock, Metrics& metrics)
    : options_(options), clock_(clock), metrics_(metrics), lanes_(static_cast<size_t>(options.lanes)) {
  metrics_.SetLanes(options.lanes);
  for (int lane = 0; lane < options.lanes; ++lane) {
    threads_.push_back(StartThread(absl::StrCat("beak-lane-", lane), [this, lane] { RunLane(lane); }));
  }
  threads_.push_back(StartThread("beak-timer", [this] { RunTimer(); }));
}

BatchScheduler::~BatchScheduler() {
  Drain(clock_.Now());
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    for (Lane& lane : lanes_) lane.wake.NotifyAll();
  }
  timer_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

// ---------------------------------------------------------------- tasks come

void BatchScheduler::Submit(std::vector<std::shared_ptr<Task>> tasks) {
  const Rejection rejection = Admit(tasks, clock_.Now());
  if (rejection.why.ok()) return;
  for (const std::shared_ptr<Task>& task : tasks) task->Refuse(rejection.why, rejection.reason);
}

BatchScheduler::Rejection BatchScheduler::Admit(const Tasks& tasks, MonotonicTime now) {
  const Task& first = *tasks.front();
  MutexLock lock(mutex_);
  if (draining_) return {ShuttingDown(), Refusal::kShutdown};
  const auto found = queues_.find({&first.workload(), first.workload().options().Level(first.priority())});
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
  QueuesChanged();
  WakeLanes(static_cast<int>(std::min(tasks.size(), lanes_.size())));
  if (queue.next_check() < timer_wakes_) timer_.NotifyOne();
  return {};
}

BatchScheduler::Rejection BatchScheduler::CheckRoom(const Tasks& tasks, const TaskQueue* queue) {
  const QueueOptions& options = tasks.front()->workload().options();
  int64_t rows = 0;
  int64_t bytes = 0;
  for (const std::shared_ptr<Task>& task : tasks) {
    rows += task->rows();
    bytes += task->bytes();
  }
  const auto full = [&](const std::string& what) { return Rejection{Full(what, queue), Refusal::kQueueFull}; };
  // What is larger than the limits themselves would otherwise never be taken.
  if (rows_ > 0 && rows > options_.max_queue_rows - rows_) {
    return full(
        absl::StrCat("the queue is full: ", rows_, " of ", options_.max_queue_rows, " rows wait, got ", rows, " more"));
  }
  if (bytes_ > 0 && bytes > options_.max_queue_bytes - bytes_) {
    return full(absl::StrCat("the queue is full: ", bytes_, " of ", options_.max_queue_bytes, " bytes wait, got ",
                             bytes, " more"));
  }
  if (queue == nullptr) return {};
  if (options.max_queue_rows > 0 && rows > options.max_queue_rows - queue->rows()) {
    return full(absl::StrCat("the model's queue is full: ", queue->rows(), " of ", options.max_queue_rows,
                             " rows wait, got ", rows, " more"));
  }
  const int64_t max_tasks = queue->policy().max_tasks;
  if (max_tasks > 0 && static_cast<int64_t>(queue->size() + tasks.size()) > max_tasks) {
    return full(absl::StrCat("the model's queue is full: exceeds maximum queue size of ", max_tasks, " requests"));
  }
  return {};
}

BatchScheduler::Rejection BatchScheduler::CheckHope(const Task& task, MonotonicTime now) {
  if (absl::Status status = MayRun(task, now); !status.ok()) {
    return {status, task.cancelled() ? Refusal::kCancelled : Refusal::kExpired};
  }
  const std::shared_ptr<const CostCurve> costs = task.workload().costs();
  if (!costs || costs->empty()) return {};
  const Cost* cost = costs->Smallest(task.rows(), 1);
  if (cost == nullptr) {
    return {absl::InternalError(absl::StrCat("no program for ", task.rows(), " rows")), Refusal::kFailed};
  }
  if (now < LatestStart(task, IdleCores())) return {};
  const double left = Seconds(task.deadline() - now) * 1e3;
  return {absl::DeadlineExceededError(absl::StrCat("the request cannot be finished by its deadline: it has ", left,
                                                   " ms left and takes up to ", Seconds(cost->high) * 1e3, " ms")),
          Refusal::kHopeless};
}

// With the time by which about half of what waits will have run.
absl::Status BatchScheduler::Full(const std::string& what, const TaskQueue* queue) {
  nanoseconds backlog(0);
  for (const auto& [key, one] : queues_) {
    if (queue == nullptr || &one == queue) backlog += CostOf(one.workload(), one.rows());
  }
  const auto delay = std::chrono::duration_cast<milliseconds>(backlog / (2 * options_.lanes));
  return WithRetryAfter(absl::UnavailableError(what), std::clamp(delay, milliseconds(1), milliseconds(10'000)));
}

TaskQueue& BatchScheduler::QueueFor(const Task& task) {
  const QueueOptions& options = task.workload().options();
  const uint64_t level = options.Level(task.priority());
  const auto [queue, is_new] = queues_.try_emplace({&task.workload(), level}, task.shared_workload(), level);
  if (is_new) {
    // A model that had nothing to do has no claim to the time that it did not use.
    double& service = service_[options.model];
    const bool was_idle = std::none_of(queues_.begin(), queues_.end(), [&](const auto& other) {
      return &other.second != &queue->second && other.second.workload().options().model == options.model;
    });
    if (was_idle) service = std::max(service, served_);
  }
  return queue->second;
}

// ---------------------------------------------------------------- tasks go

void BatchScheduler::Cancel(Task& task) {
  task.cancel_token().Cancel();
  std::shared_ptr<Task> waiting;
  {
    MutexLock lock(mutex_);
    const auto queue = queues_.find({&task.workload(), task.workload().options().Level(task.priority())});
    if (queue != queues_.end()) waiting = queue->second.Take(task);
    if (waiting) {
      rows_ -= task.rows();
      bytes_ -= task.bytes();
      RemoveEmptyQueues();
      QueuesChanged();
    }
  }
  if (waiting) waiting->Refuse(absl::CancelledError("the request was cancelled while it waited"), Refusal::kCancelled);
}

void BatchScheduler::ProgramsChanged() {
  MutexLock lock(mutex_);
  WakeLanes(options_.lanes);
}

void BatchScheduler::RefuseAll(const Workload& workload, const absl::Status& why) {
  Tasks waiting;
  {
    MutexLock lock(mutex_);
    waiting = TakeAll(&workload);
  }
  for (const std::shared_ptr<Task>& task : waiting) task->Refuse(why, Refusal::kFailed);
}

BatchScheduler::Tasks BatchScheduler::TakeAll(const Workload* workload) {
  Tasks all;
  for (auto& [key, queue] : queues_) {
    if (workload != nullptr && key.first != workload) continue;
    rows_ -= queue.rows();
    bytes_ -= queue.bytes();
    for (std::shared_ptr<Task>& task : queue.TakeAll()) all.push_back(std::move(task));
  }
  RemoveEmptyQueues();
  QueuesChanged();
  return all;
}

void BatchScheduler::Drain(MonotonicTime deadline) {
  Tasks waiting;
  Tasks running;
  {
    MutexLock lock(mutex_);
    draining_ = true;
    while ((!queues_.empty() || running_ > 0) && clock_.Now() < deadline) all_answered_.WaitUntil(mutex_, deadline);
    waiting = TakeAll(nullptr);
    for (const Lane& lane : lanes_) running.insert(running.end(), lane.running.begin(), lane.running.end());
  }
  for (const std::shared_ptr<Task>& task : waiting) task->Refuse(ShuttingDown(), Refusal::kShutdown);
  for (const std::shared_ptr<Task>& task : running) task->cancel_token().Cancel();
  MutexLock lock(mutex_);
  while (running_ > 0) all_answered_.Wait(mutex_);
}

// ---------------------------------------------------------------- lanes

void BatchScheduler::RunLane(int lane) {
  while (true) {
    Work work = WaitForWork(lane);
    if (work.none()) return;
    RefuseEach(work.refused);
    if (work.batch.empty()) continue;
    Workload& workload = *work.batch.front()->shared_workload();
    workload.Run(std::move(work.batch), work.how);
    LaneIsFree(lane, work.how);
  }
}

BatchScheduler::Work BatchScheduler::WaitForWork(int lane) {
  MutexLock lock(mutex_);
  Lane& self = lanes_[static_cast<size_t>(lane)];
  while (!stopped_) {
    Work work;
    if (!queues_.empty() && free_lanes() > 0) {
      const MonotonicTime now = clock_.Now();
      work.refused = TakeHopeless(now);
      TakeBatch(lane, now, &work);
      if (!work.none()) QueuesChanged();
      if (!work.batch.empty() && !queues_.empty() && free_lanes() > 0) WakeLanes(1);
    }
    if (!work.none()) return work;
    self.idle = true;
    self.signalled = false;
    self.wake.Wait(mutex_);
    self.idle = false;
  }
  return {};
}

void BatchScheduler::TakeBatch(int lane, MonotonicTime now, Work* work) {
  std::vector<QueueState> states;
  states.reserve(queues_.size());
  for (const auto& [key, queue] : queues_) {
    states.push_back({&queue, queue.workload().costs(), service_[queue.workload().options().model]});
  }
  const Decision decision = Decide(states, {options_.lanes, free_lanes(), lane == 0}, now);
  look_again_ = decision.look_again;
  if (look_again_ < timer_wakes_) timer_.NotifyOne();
  if (decision.queue == nullptr) return;
  const QueueOptions& options = decision.queue->workload().options();
  const auto place = queues_.find({&decision.queue->workload(), decision.queue->level()});
  work->batch = place->second.TakeFront(decision.tasks);
  work->how = {lane, decision.cost.rows, decision.cost.threads};
  for (const std::shared_ptr<Task>& task : work->batch) {
    rows_ -= task->rows();
    bytes_ -= task->bytes();
  }
  double& service = service_[options.model];
  served_ = service;
  service += Seconds(decision.cost.mean) * decision.cost.threads / options.weight;
  RemoveEmptyQueues();
  lanes_[static_cast<size_t>(lane)].running = work->batch;
  busy_cores_ += work->how.threads;
  ++running_;
  metrics_.SetLanesBusy(busy_cores_);
}

void BatchScheduler::LaneIsFree(int lane, const BatchRun& how) {
  Tasks done;  // may be their last owner: destroyed after the lock is released
  MutexLock lock(mutex_);
  done.swap(lanes_[static_cast<size_t>(lane)].running);
  busy_cores_ -= how.threads;
  --running_;
  metrics_.SetLanesBusy(busy_cores_);
  // This lane looks for work by itself; those whose cores it used are to be told.
  if (how.threads > 1 && !queues_.empty()) WakeLanes(how.threads);
  if (running_ == 0) all_answered_.NotifyAll();
}

// The first ones first: lane 0 is the one that may run wide.
void BatchScheduler::WakeLanes(int count) {
  for (Lane& lane : lanes_) {
    if (count <= 0) return;
    if (!lane.idle || lane.signalled) continue;
    lane.signalled = true;
    lane.wake.NotifyOne();
    --count;
  }
}

// ---------------------------------------------------------------- time passes

void BatchScheduler::RunTimer() {
  while (true) {
    const Refused refused = WaitForHopeless();
    if (refused.empty()) return;
    RefuseEach(refused);
  }
}

BatchScheduler::Refused BatchScheduler::WaitForHopeless() {
  MutexLock lock(mutex_);
  while (!stopped_) {
    const MonotonicTime now = clock_.Now();
    Refused refused = TakeHopeless(now);
    if (!refused.empty()) {
      QueuesChanged();
      return refused;
    }
    if (look_again_ <= now) {
      look_again_ = kNever;  // whichever lane decides will say when again
      WakeLanes(1);
    }
    timer_wakes_ = look_again_;
    for (const auto& [key, queue] : queues_) timer_wakes_ = std::min(timer_wakes_, queue.next_check());
    if (timer_wakes_ == kNever) {
      timer_.Wait(mutex_);
    } else {
      timer_.WaitUntil(mutex_, timer_wakes_);
    }
    timer_wakes_ = clock_.Now();  // awake: nobody need wake it
  }
  return {};
}

BatchScheduler::Refused BatchScheduler::TakeHopeless(MonotonicTime now) {
  Refused all;
  for (auto& [key, queue] : queues_) {
    for (TaskQueue::Refused& refused : queue.TakeHopeless(now, IdleCores())) {
      rows_ -= refused.task->rows();
      bytes_ -= refused.task->bytes();
      all.push_back(std::move(refused));
    }
  }
  if (!all.empty()) RemoveEmptyQueues();
  return all;
}

void BatchScheduler::RemoveEmptyQueues() {
  for (auto queue = queues_.begin(); queue != queues_.end();) {
    queue = queue->second.empty() ? queues_.erase(queue) : std::next(queue);
  }
}

void BatchScheduler::QueuesChanged() {
  metrics_.SetQueue(rows_, bytes_);
  if (queues_.empty()) all_answered_.NotifyAll();
}

}  // namespace beak
