#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/observe/metrics.h"
#include "server/scheduling/policy.h"
#include "server/scheduling/scheduler.h"
#include "server/scheduling/task_queue.h"

namespace beak {

// Runs the policy: as many lanes as asked for, each a thread that runs one batch at a time, and a thread beside them
// that refuses what has become hopeless while all lanes are busy. *Thread-safe.*
//
// Runs on several cores happen on lane 0 alone, for each thread that opens an OpenMP team has one of its own; the lanes
// whose cores it uses stay free of work meanwhile.
class BatchScheduler final : public Scheduler {
 public:
  struct Options {
    int lanes = 1;
    int64_t max_queue_rows = 4096;
    int64_t max_queue_bytes = int64_t{1} << 30;
  };

  // `clock` must tell the time of the real steady clock, with which threads wait. Both must outlive it.
  BatchScheduler(const Options& options, const Clock& clock, Metrics& metrics);
  // Drains without patience.
  ~BatchScheduler() override;

  void Submit(std::vector<std::shared_ptr<Task>> tasks) override;
  void Cancel(Task& task) override;
  void ProgramsChanged() override;
  void RefuseAll(const Workload& workload, const absl::Status& why) override;
  void Drain(MonotonicTime deadline) override;

 private:
  using Tasks = std::vector<std::shared_ptr<Task>>;
  using Refused = std::vector<TaskQueue::Refused>;
  using QueueKey = std::pair<const Workload*, uint64_t>;  // and the priority

  // What a lane has to do, once it no longer holds the lock.
  struct Work {
    Refused refused;
    Tasks batch;
    BatchRun how;
    bool none() const { return refused.empty() && batch.empty(); }
  };
  struct Lane {
    CondVar wake;
    bool idle = false;       // waits for `wake`
    bool signalled = false;  // and has been woken
    Tasks running;
  };

  void RunLane(int lane) EXCLUDES(mutex_);
  void RunTimer() EXCLUDES(mutex_);
  // What a lane does next, after waiting for it; nothing at the end.
  Work WaitForWork(int lane) EXCLUDES(mutex_);
  Refused WaitForHopeless() EXCLUDES(mutex_);
  void LaneIsFree(int lane, const BatchRun& how) EXCLUDES(mutex_);

  struct Rejection {
    absl::Status why;
    Refusal reason = Refusal::kQueueFull;
  };
  Rejection Admit(const Tasks& tasks, MonotonicTime now) EXCLUDES(mutex_);
  Rejection CheckRoom(const Tasks& tasks, const TaskQueue* queue) REQUIRES(mutex_);
  Rejection CheckHope(const Task& task, MonotonicTime now) REQUIRES(mutex_);
  absl::Status Full(const std::string& what, const TaskQueue* queue) REQUIRES(mutex_);
  TaskQueue& QueueFor(const Task& task) REQUIRES(mutex_);

  Refused TakeHopeless(MonotonicTime now) REQUIRES(mutex_);
  void TakeBatch(int lane, MonotonicTime now, Work* work) REQUIRES(mutex_);
  Tasks TakeAll(const Workload* workload) REQUIRES(mutex_);
  void RemoveEmptyQueues() REQUIRES(mutex_);
  void WakeLanes(int count) REQUIRES(mutex_);
  void QueuesChanged() REQUIRES(mutex_);
  // What one run could have of the machine at once: all of it or a single core.
  int IdleCores() const REQUIRES(mutex_) { return busy_cores_ == 0 ? options_.lanes : 1; }
  int free_lanes() const REQUIRES(mutex_) { return static_cast<int>(lanes_.size()) - busy_cores_; }

  const Options options_;
  const Clock& clock_;
  Metrics& metrics_;

  Mutex mutex_;
  CondVar timer_;  // something is to be looked at earlier than before, or the end has come
  CondVar all_answered_;
  std::map<QueueKey, TaskQueue> queues_ GUARDED_BY(mutex_);   // none of them empty
  std::map<std::string, double> service_ GUARDED_BY(mutex_);  // by model: seconds of lanes over its weight
  double served_ GUARDED_BY(mutex_) = 0;                      // the service of the model that was chosen last
  std::vector<Lane> lanes_ GUARDED_BY(mutex_);
  int busy_cores_ GUARDED_BY(mutex_) = 0;  // lanes that run, and those whose cores they use
  int running_ GUARDED_BY(mutex_) = 0;     // batches
  int64_t rows_ GUARDED_BY(mutex_) = 0;    // that wait
  int64_t bytes_ GUARDED_BY(mutex_) = 0;
  MonotonicTime look_again_ GUARDED_BY(mutex_) = kNever;   // when a lane is to be woken to decide again
  MonotonicTime timer_wakes_ GUARDED_BY(mutex_) = kNever;  // what the timer waits for
  bool draining_ GUARDED_BY(mutex_) = false;               // nothing new is admitted
  bool stopped_ GUARDED_BY(mutex_) = false;                // threads end

  std::vector<std::thread> threads_;
};

}  // namespace beak
