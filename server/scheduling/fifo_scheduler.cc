#include "server/scheduling/fifo_scheduler.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/base/thread.h"

namespace beak {
namespace {

absl::Status ShuttingDown() { return absl::UnavailableError("the server is shutting down"); }

void RefuseExpired(const std::vector<std::shared_ptr<Task>>& tasks) {
  for (const std::shared_ptr<Task>& task : tasks) {
    task->Refuse(absl::DeadlineExceededError("the deadline passed while the request waited for a lane"));
  }
}

}  // namespace

FifoScheduler::FifoScheduler(const Options& options, const Clock& clock, Metrics& metrics)
    : clock_(clock), metrics_(metrics), queue_(options.max_queue_rows), running_(options.lanes) {
  metrics_.SetLanes(options.lanes);
  for (int lane = 0; lane < options.lanes; ++lane) {
    threads_.push_back(StartThread(absl::StrCat("beak-lane-", lane), [this, lane] { RunLane(lane); }));
  }
  threads_.push_back(StartThread("beak-timer", [this] { RunTimer(); }));
}

FifoScheduler::~FifoScheduler() {
  Drain(clock_.Now());
  {
    MutexLock lock(mutex_);
    stopped_ = true;
  }
  work_.NotifyAll();
  timer_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

void FifoScheduler::Submit(std::shared_ptr<Task> task) {
  absl::Status admitted = Admit(task);
  if (!admitted.ok()) task->Refuse(std::move(admitted));
}

absl::Status FifoScheduler::Admit(const std::shared_ptr<Task>& task) {
  MutexLock lock(mutex_);
  if (draining_) return ShuttingDown();
  RETURN_IF_ERROR(MayRun(*task, clock_.Now()));
  const MonotonicTime earliest = queue_.next_deadline();
  if (!queue_.Push(task)) {
    return absl::UnavailableError(absl::StrCat("the queue is full: ", queue_.rows(), " of ", queue_.max_rows(),
                                               " rows wait, got ", task->rows(), " more"));
  }
  QueueChanged();
  work_.NotifyOne();
  if (task->deadline() < earliest) timer_.NotifyOne();
  return absl::OkStatus();
}

void FifoScheduler::Cancel(Task& task) {
  task.cancel_token().Cancel();
  std::shared_ptr<Task> waiting;
  {
    MutexLock lock(mutex_);
    waiting = queue_.Take(task);
    if (waiting) QueueChanged();
  }
  if (waiting) waiting->Refuse(MayRun(task, clock_.Now()));
}

void FifoScheduler::Drain(MonotonicTime deadline) {
  Tasks waiting;
  Tasks running;
  {
    MutexLock lock(mutex_);
    draining_ = true;
    while ((!queue_.empty() || busy_ > 0) && clock_.Now() < deadline) all_answered_.WaitUntil(mutex_, deadline);
    waiting = queue_.TakeAll();
    running = running_;
    QueueChanged();
  }
  for (const std::shared_ptr<Task>& task : waiting) task->Refuse(ShuttingDown());
  for (const std::shared_ptr<Task>& task : running) {
    if (task) task->cancel_token().Cancel();
  }
  MutexLock lock(mutex_);
  while (busy_ > 0) all_answered_.Wait(mutex_);
}

void FifoScheduler::RunLane(int lane) {
  while (true) {
    FifoDecision decision = WaitForWork(lane);
    RefuseExpired(decision.expired);
    if (!decision.run) {
      if (decision.expired.empty()) return;
      continue;
    }
    absl::Status may_run = MayRun(*decision.run, clock_.Now());
    if (may_run.ok()) {
      decision.run->Run(lane);
    } else {
      decision.run->Refuse(std::move(may_run));
    }
    decision.run.reset();
    LaneIsFree(lane);
  }
}

FifoDecision FifoScheduler::WaitForWork(int lane) {
  MutexLock lock(mutex_);
  while (queue_.empty() && !stopped_) work_.Wait(mutex_);
  FifoDecision decision = queue_.Next(clock_.Now());
  if (decision.run) {
    running_[lane] = decision.run;
    metrics_.SetLanesBusy(++busy_);
  }
  QueueChanged();
  return decision;
}

void FifoScheduler::LaneIsFree(int lane) {
  std::shared_ptr<Task> done;  // may be its last owner: destroyed after the lock is released
  MutexLock lock(mutex_);
  done.swap(running_[lane]);
  metrics_.SetLanesBusy(--busy_);
  if (busy_ == 0) all_answered_.NotifyAll();
}

void FifoScheduler::RunTimer() {
  while (true) {
    const Tasks expired = WaitForExpired();
    if (expired.empty()) return;
    RefuseExpired(expired);
  }
}

FifoScheduler::Tasks FifoScheduler::WaitForExpired() {
  MutexLock lock(mutex_);
  while (!stopped_) {
    Tasks expired = queue_.TakeExpired(clock_.Now());
    if (!expired.empty()) {
      QueueChanged();
      return expired;
    }
    const MonotonicTime deadline = queue_.next_deadline();
    if (deadline == kNever) {
      timer_.Wait(mutex_);
    } else {
      timer_.WaitUntil(mutex_, deadline);
    }
  }
  return {};
}

void FifoScheduler::QueueChanged() {
  metrics_.SetQueueRows(queue_.rows());
  if (queue_.empty()) all_answered_.NotifyAll();
}

}  // namespace beak
