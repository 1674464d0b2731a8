#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "absl/container/inlined_vector.h"
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

  // Told how many cores lanes use whenever that changes: by the lane itself, before it runs anything. The scheduler's
  // lock is held, which keeps the calls in order: it must be quick, and call nothing of the scheduler.
  using CoresUsed = std::function<void(int cores)>;

  // `clock` must tell the time of the real steady clock, with which threads wait. Both must outlive it.
  BatchScheduler(const Options& options, const Clock& clock, Metrics& metrics, CoresUsed cores_used = nullptr);
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
  // Threads to be woken: declared before the lock is taken, so that they need not wait for its release.
  struct Wakes {
    absl::InlinedVector<CondVar*, 4> threads;
    ~Wakes() {
      for (CondVar* thread : threads) thread->NotifyOne();
    }
  };
  struct Lane {
    CondVar wake;
    bool idle = false;       // has found no work, and waits for `wake`
    bool signalled = false;  // has been told to look again
  };

  void RunLane(int lane) EXCLUDES(mutex_);
  void RunTimer() EXCLUDES(mutex_);
  // What a lane does next; nothing makes it idle. `done`: what it has just run, if anything.
  Work TakeWork(int lane, const std::optional<BatchRun>& done) EXCLUDES(mutex_);
  // Until there may be some for an idle lane; false at the end.
  bool WaitForWork(int lane) EXCLUDES(mutex_);
  Refused WaitForHopeless() EXCLUDES(mutex_);
  Tasks LaneIsFree(const BatchRun& how, Wakes& wakes) REQUIRES(mutex_);
  Dispatcher::Rejection Admit(const Tasks& tasks) EXCLUDES(mutex_);
  // False where it is not to be woken: it is busy, or about to look by itself.
  bool WakeLane(Lane& lane, Wakes& wakes) REQUIRES(mutex_);
  void WakeLanes(int count, Wakes& wakes) REQUIRES(mutex_);
  // If it would wake later than that.
  void WakeTimer(MonotonicTime at, Wakes& wakes) REQUIRES(mutex_);
  void QueuesChanged() REQUIRES(mutex_);
  void LanesChanged() REQUIRES(mutex_);

  const int num_lanes_;
  const Clock& clock_;
  Metrics& metrics_;
  const CoresUsed cores_used_;

  mutable Mutex mutex_;
  CondVar timer_;  // something is to be looked at earlier than before, or the end has come
  CondVar all_answered_;
  Dispatcher dispatcher_ GUARDED_BY(mutex_);
  std::vector<Lane> lanes_ GUARDED_BY(mutex_);
  int cores_told_ GUARDED_BY(mutex_) = 0;
  MonotonicTime timer_wakes_ GUARDED_BY(mutex_) = kNever;
  bool draining_ GUARDED_BY(mutex_) = false;  // nothing is admitted but what continues
  bool closed_ GUARDED_BY(mutex_) = false;    // not even that
  bool stopped_ GUARDED_BY(mutex_) = false;   // threads end

  std::vector<std::thread> threads_;
};

}  // namespace beak
