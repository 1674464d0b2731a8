#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/observe/metrics.h"
#include "server/scheduling/dispatcher.h"
#include "server/scheduling/scheduler.h"

namespace beak {

// Gives a Dispatcher threads: as many lanes as asked for, each of which runs one batch at a time, and one beside them
// that refuses what has become hopeless while all lanes are busy. *Thread-safe.*
//
// Runs on several cores happen on one lane alone, for each thread that opens an OpenMP team has one of its own; the
// lanes whose cores it uses stay free of work meanwhile.
class BatchScheduler final : public Scheduler {
 public:
  using Options = Dispatcher::Options;

  // `clock` must tell the time of the real steady clock, with which threads wait. Both must outlive it.
  BatchScheduler(const Options& options, const Clock& clock, Metrics& metrics);
  // Drains without patience.
  ~BatchScheduler() override;

  void Submit(std::vector<std::shared_ptr<Task>> tasks) override;
  void Cancel(Task& task) override;
  void ProgramsChanged() override;
  void RefuseAll(const Workload& workload, const absl::Status& why) override;
  void Drain(MonotonicTime deadline) override;

  // See Dispatcher.
  double offered_seconds() const EXCLUDES(mutex_);

 private:
  using Tasks = Dispatcher::Tasks;
  using Refused = Dispatcher::Refused;

  // What a lane has to do, once it no longer holds the lock.
  struct Work {
    Refused refused;
    Dispatcher::Work run;
    bool none() const { return refused.empty() && run.batch.empty(); }
  };
  struct Lane {
    CondVar wake;
    bool idle = false;       // waits for `wake`
    bool signalled = false;  // and has been woken
  };

  void RunLane(int lane) EXCLUDES(mutex_);
  void RunTimer() EXCLUDES(mutex_);
  // What a lane does next, after waiting for it; nothing at the end.
  Work WaitForWork(int lane) EXCLUDES(mutex_);
  Refused WaitForHopeless() EXCLUDES(mutex_);
  void LaneIsFree(const BatchRun& how) EXCLUDES(mutex_);
  Dispatcher::Rejection Admit(const Tasks& tasks) EXCLUDES(mutex_);
  void WakeLanes(int count) REQUIRES(mutex_);
  void QueuesChanged() REQUIRES(mutex_);

  const int num_lanes_;
  const Clock& clock_;
  Metrics& metrics_;

  mutable Mutex mutex_;
  CondVar timer_;  // something is to be looked at earlier than before, or the end has come
  CondVar all_answered_;
  Dispatcher dispatcher_ GUARDED_BY(mutex_);
  std::vector<Lane> lanes_ GUARDED_BY(mutex_);
  MonotonicTime timer_wakes_ GUARDED_BY(mutex_) = kNever;
  bool draining_ GUARDED_BY(mutex_) = false;  // nothing new is admitted
  bool stopped_ GUARDED_BY(mutex_) = false;   // threads end

  std::vector<std::thread> threads_;
};

}  // namespace beak
