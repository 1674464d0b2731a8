#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "server/scheduling/policy.h"
#include "server/scheduling/task_queue.h"

namespace beak {

// All that waits and all that runs: admits tasks within limits, and takes out what the policy decides. Everything of a
// scheduler but its threads: time is handed in, tasks and workloads are never called. *Thread-compatible.*
class Dispatcher {
 public:
  using Tasks = std::vector<std::shared_ptr<Task>>;
  using Refused = std::vector<TaskQueue::Refused>;

  struct Options {
    int lanes = 1;
    int64_t max_queue_rows = 4096;
    int64_t max_queue_bytes = int64_t{1} << 30;
  };

  struct Rejection {
    absl::Status why;
    Refusal reason = Refusal::kQueueFull;
  };

  explicit Dispatcher(const Options& options) : options_(options), running_(static_cast<size_t>(options.lanes)) {}

  // Takes tasks of one workload into its queue: all, or none where the result is not OK. UNAVAILABLE where there is no
  // room now, RESOURCE_EXHAUSTED for more rows than there ever is; more bytes than that are taken while nothing waits.
  Rejection Admit(const Tasks& tasks, MonotonicTime now);
  // The task itself, null where it does not wait.
  std::shared_ptr<Task> Take(const Task& task);
  // What waits for this workload, or all there is.
  Tasks TakeAll(const Workload* workload);
  // See TaskQueue::TakeHopeless.
  Refused TakeHopeless(MonotonicTime now);

  // The lane that runs on several cores, where that is to be done.
  static constexpr int kWideLane = 0;

  // What a lane that is free runs next: from now on it is busy. No tasks: nothing can be run before next_look(), or it
  // is for the wide lane to run it, which is free too.
  struct Work {
    Tasks batch;
    BatchRun how;
    bool for_wide_lane = false;
    Refused shed;  // left the queue too: to be refused
  };
  Work TakeBatch(int lane, MonotonicTime now);
  // The lane has done it.
  Tasks LaneIsFree(const BatchRun& how);

  // When TakeHopeless, or TakeBatch, may have something to do that it has not now; kNever: not unless something
  // changes.
  MonotonicTime next_check() const;
  MonotonicTime next_look() const { return next_look_; }
  void ResetLook() { next_look_ = kNever; }

  // Seconds of one lane that all tasks so far would take at their best batch, those that were refused included.
  double offered_seconds() const { return offered_seconds_; }

  bool empty() const { return queues_.empty(); }
  int64_t rows() const { return rows_; }    // that wait
  int64_t bytes() const { return bytes_; }  // that they hold
  int running() const { return runs_; }
  int busy_cores() const { return busy_cores_; }  // of lanes that run, and of those whose cores they use
  bool may_run() const { return !queues_.empty() && busy_cores_ < options_.lanes; }
  const Tasks& running_on(int lane) const { return running_[static_cast<size_t>(lane)]; }

 private:
  // All workloads of one name.
  struct Model {
    double service = 0;  // seconds of lanes over its weight
    int64_t rows = 0;    // that wait
    int queues = 0;
  };
  struct Queue {
    TaskQueue tasks;
    Model& model;
  };
  using Key = std::pair<const Workload*, uint64_t>;  // and the level of priority
  using Queues = std::map<Key, Queue>;

  Rejection CheckRoom(const Tasks& tasks, const Queue* queue) const;
  Rejection CheckHope(const Task& task, const CostCurve* costs, MonotonicTime now) const;
  Rejection Full(const std::string& what, const Queue* queue) const;
  Queue& QueueFor(const Task& task);
  Model& ModelNamed(const std::string& name);
  void Gone(Queue& queue, const Task& task);
  void RemoveEmptyQueues();
  Queues::iterator Remove(Queues::iterator queue);
  // What one run could have of the machine at once: all of it, or a single core.
  int IdleCores() const { return busy_cores_ == 0 ? options_.lanes : 1; }

  const Options options_;
  std::map<std::string, Model> models_;
  double served_ = 0;           // the service of the model that was chosen last, before
  Queues queues_;               // none of them empty
  std::vector<Tasks> running_;  // by lane
  int busy_cores_ = 0;
  int runs_ = 0;
  int64_t rows_ = 0;
  int64_t bytes_ = 0;
  double offered_seconds_ = 0;
  MonotonicTime next_look_ = kNever;
};

}  // namespace beak
