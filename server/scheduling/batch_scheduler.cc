#include "server/scheduling/batch_scheduler.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/thread.h"

namespace beak {
namespace {

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

}  // namespace

BatchScheduler::BatchScheduler(const Options& options, const Clock& clock, Metrics& metrics, CoresUsed cores_used)
    : num_lanes_(options.lanes),
      clock_(clock),
      metrics_(metrics),
      cores_used_(std::move(cores_used)),
      dispatcher_(options),
      lanes_(static_cast<size_t>(options.lanes)) {
  metrics_.SetLanes(num_lanes_);
  for (int lane = 0; lane < num_lanes_; ++lane) {
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
    timer_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
}

void BatchScheduler::Submit(std::vector<std::shared_ptr<Task>> tasks) {
  const Dispatcher::Rejection rejection = Admit(tasks);
  if (rejection.why.ok()) return;
  for (const std::shared_ptr<Task>& task : tasks) task->Refuse(rejection.why, rejection.reason);
}

Dispatcher::Rejection BatchScheduler::Admit(const Tasks& tasks) {
  Wakes wakes;
  MutexLock lock(mutex_);
  if (closed_ || (draining_ && !tasks.front()->continues())) return {ShuttingDown(), Refusal::kShutdown};
  Dispatcher::Rejection rejection = dispatcher_.Admit(tasks, clock_.Now());
  if (!rejection.why.ok()) return rejection;
  QueuesChanged();
  WakeLanes(static_cast<int>(std::min<size_t>(tasks.size(), lanes_.size())), wakes);
  WakeTimer(dispatcher_.next_check(), wakes);
  return {};
}

void BatchScheduler::Cancel(Task& task) {
  task.cancel_token().Cancel();
  std::shared_ptr<Task> waiting;
  {
    MutexLock lock(mutex_);
    waiting = dispatcher_.Take(task);
    if (waiting) QueuesChanged();
  }
  if (waiting) waiting->Refuse(absl::CancelledError("the request was cancelled while it waited"), Refusal::kCancelled);
}

void BatchScheduler::ProgramsChanged() {
  Wakes wakes;
  MutexLock lock(mutex_);
  WakeLanes(num_lanes_, wakes);
}

void BatchScheduler::RefuseAll(const Workload& workload, const absl::Status& why) {
  Tasks waiting;
  {
    MutexLock lock(mutex_);
    waiting = dispatcher_.TakeAll(&workload);
    QueuesChanged();
  }
  for (const std::shared_ptr<Task>& task : waiting) task->Refuse(why, Refusal::kFailed);
}

void BatchScheduler::Drain(MonotonicTime deadline) {
  Tasks waiting;
  Tasks running;
  {
    MutexLock lock(mutex_);
    draining_ = true;
    const auto busy = [&]() REQUIRES(mutex_) { return !dispatcher_.empty() || dispatcher_.running() > 0; };
    while (busy() && clock_.Now() < deadline) all_answered_.WaitUntil(mutex_, deadline);
    closed_ = true;
    waiting = dispatcher_.TakeAll(nullptr);
    QueuesChanged();
    for (int lane = 0; lane < num_lanes_; ++lane) {
      const Tasks& tasks = dispatcher_.running_on(lane);
      running.insert(running.end(), tasks.begin(), tasks.end());
    }
  }
  for (const std::shared_ptr<Task>& task : waiting) task->Refuse(ShuttingDown(), Refusal::kShutdown);
  for (const std::shared_ptr<Task>& task : running) task->cancel_token().Cancel();
  MutexLock lock(mutex_);
  while (dispatcher_.running() > 0) all_answered_.Wait(mutex_);
}

double BatchScheduler::offered_seconds() const {
  MutexLock lock(mutex_);
  return dispatcher_.offered_seconds();
}

void BatchScheduler::RunLane(int lane) {
  std::optional<BatchRun> done;
  while (true) {
    Work work = TakeWork(lane, std::exchange(done, std::nullopt));
    if (work.none() && !WaitForWork(lane)) return;
    RefuseEach(work.refused);
    RefuseEach(work.run.shed);
    if (work.run.batch.empty()) continue;
    Workload& workload = work.run.batch.front()->workload();  // the dispatcher keeps the tasks until the lane is free
    workload.Run(std::move(work.run.batch), work.run.how);
    done = work.run.how;
  }
}

BatchScheduler::Work BatchScheduler::TakeWork(int lane, const std::optional<BatchRun>& done) {
  Tasks gone;  // this may be their last owner: destroyed after the lock is released
  Wakes wakes;
  MutexLock lock(mutex_);
  if (done) gone = LaneIsFree(*done, wakes);
  Work work;
  if (dispatcher_.may_run()) {
    const MonotonicTime now = clock_.Now();
    work.refused = dispatcher_.TakeHopeless(now);
    work.run = dispatcher_.TakeBatch(lane, now);
    // That one is free: it sleeps, or is about to look by itself.
    if (work.run.for_wide_lane) WakeLane(lanes_[Dispatcher::kWideLane], wakes);
    WakeTimer(dispatcher_.next_look(), wakes);
  }
  LanesChanged();
  if (work.none()) {
    Lane& self = lanes_[static_cast<size_t>(lane)];
    self.idle = true;
    self.signalled = false;
    return work;
  }
  QueuesChanged();
  if (!work.run.batch.empty() && dispatcher_.may_run()) WakeLanes(1, wakes);
  return work;
}

bool BatchScheduler::WaitForWork(int lane) {
  MutexLock lock(mutex_);
  Lane& self = lanes_[static_cast<size_t>(lane)];
  while (!self.signalled && !stopped_) self.wake.Wait(mutex_);
  self.idle = false;
  return !stopped_;
}

BatchScheduler::Tasks BatchScheduler::LaneIsFree(const BatchRun& how, Wakes& wakes) {
  Tasks done = dispatcher_.LaneIsFree(how);
  // This lane looks for work by itself; those whose cores it used are to be told.
  if (how.threads > 1 && !dispatcher_.empty()) WakeLanes(how.threads, wakes);
  if (dispatcher_.running() == 0) all_answered_.NotifyAll();
  return done;
}

bool BatchScheduler::WakeLane(Lane& lane, Wakes& wakes) {
  if (!lane.idle || std::exchange(lane.signalled, true)) return false;
  wakes.threads.push_back(&lane.wake);
  return true;
}

// The first ones first: lane 0 is the one that may run wide.
void BatchScheduler::WakeLanes(int count, Wakes& wakes) {
  for (Lane& lane : lanes_) {
    if (count <= 0) return;
    if (WakeLane(lane, wakes)) --count;
  }
}

void BatchScheduler::WakeTimer(MonotonicTime at, Wakes& wakes) {
  if (at >= timer_wakes_) return;
  timer_wakes_ = at;
  wakes.threads.push_back(&timer_);
}

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
    Refused refused = dispatcher_.TakeHopeless(now);
    if (!refused.empty()) {
      QueuesChanged();
      return refused;
    }
    if (dispatcher_.next_look() <= now) {
      dispatcher_.ResetLook();  // whichever lane decides will say when again
      Wakes wakes;              // while the lock is held: this is rare
      WakeLanes(1, wakes);
    }
    timer_wakes_ = std::min(dispatcher_.next_look(), dispatcher_.next_check());
    if (timer_wakes_ == kNever) {
      timer_.Wait(mutex_);
    } else {
      timer_.WaitUntil(mutex_, timer_wakes_);
    }
    timer_wakes_ = MonotonicTime::min();  // awake: nobody need wake it
  }
  return {};
}

void BatchScheduler::LanesChanged() {
  const int cores = dispatcher_.busy_cores();
  if (cores == std::exchange(cores_told_, cores)) return;
  metrics_.SetLanesBusy(cores);
  if (cores_used_) cores_used_(cores);
}

void BatchScheduler::QueuesChanged() {
  metrics_.SetQueue(dispatcher_.rows(), dispatcher_.bytes());
  if (dispatcher_.empty() && dispatcher_.running() == 0) all_answered_.NotifyAll();
}

}  // namespace beak
