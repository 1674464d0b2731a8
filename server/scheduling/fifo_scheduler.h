#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/observe/metrics.h"
#include "server/scheduling/fifo_queue.h"
#include "server/scheduling/scheduler.h"

namespace beak {

// The simplest scheduler: one bounded queue, first come, first served, one task a run, as many lanes as asked for. A
// thread beside the lanes refuses what expires while all lanes are busy. *Thread-safe.*
class FifoScheduler final : public Scheduler {
 public:
  struct Options {
    int lanes = 1;
    int64_t max_queue_rows = 4096;
  };

  // `clock` must tell the time of the real steady clock, with which threads wait. Both must outlive it.
  FifoScheduler(const Options& options, const Clock& clock, Metrics& metrics);
  // Drains without patience.
  ~FifoScheduler() override;

  void Submit(std::shared_ptr<Task> task) override;
  void Cancel(Task& task) override;
  void Drain(MonotonicTime deadline) override;

 private:
  using Tasks = std::vector<std::shared_ptr<Task>>;

  void RunLane(int lane) EXCLUDES(mutex_);
  void RunTimer() EXCLUDES(mutex_);
  // What a lane does next, after waiting for it; nothing at the end.
  FifoDecision WaitForWork(int lane) EXCLUDES(mutex_);
  Tasks WaitForExpired() EXCLUDES(mutex_);
  void LaneIsFree(int lane) EXCLUDES(mutex_);
  absl::Status Admit(const std::shared_ptr<Task>& task) EXCLUDES(mutex_);
  void QueueChanged() REQUIRES(mutex_);

  const Clock& clock_;
  Metrics& metrics_;

  Mutex mutex_;
  CondVar work_;   // something waits, or the end has come
  CondVar timer_;  // the earliest deadline has moved forward, or the end has come
  CondVar all_answered_;
  FifoQueue queue_ GUARDED_BY(mutex_);
  Tasks running_ GUARDED_BY(mutex_);  // by lane, null where it is free
  int busy_ GUARDED_BY(mutex_) = 0;
  bool draining_ GUARDED_BY(mutex_) = false;  // nothing new is admitted
  bool stopped_ GUARDED_BY(mutex_) = false;   // threads end

  std::vector<std::thread> threads_;
};

}  // namespace beak
