#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/observe/cost_table.h"
#include "server/scheduling/task.h"

namespace beak {

// How tasks of one priority may wait. As ModelQueuePolicy of the protocol, in our units.
struct QueuePolicy {
  enum class TimeoutAction { kReject, kDelay };
  TimeoutAction timeout_action = TimeoutAction::kReject;
  std::chrono::nanoseconds timeout{0};  // in the queue; 0: none
  int64_t max_requests = 0;             // that may wait; 0: no limit
};

// How the tasks of a workload are queued and batched. A value type.
struct QueueOptions {
  std::string model;           // workloads of one model have one share of the machine
  int64_t max_batch_rows = 1;  // of one run
  // Where given, batches have one of these sizes, the largest that can be filled, and wait up to `max_delay` for it.
  // Without, a batch is as large as costs say.
  std::vector<int64_t> preferred_rows;
  std::chrono::nanoseconds max_delay{0};
  std::chrono::nanoseconds objective{0};  // by when a task without a deadline is due; 0: our choice
  int64_t max_queue_rows = 0;             // 0: only the scheduler's own limit counts
  int max_cores = 0;                      // that one run may use; 0: all
  double weight = 1;                      // of the model's share
  uint64_t priority_levels = 0;           // 0: priorities are ignored
  uint64_t default_priority = 1;
  QueuePolicy default_policy;
  std::map<uint64_t, QueuePolicy> policies;  // of single levels

  // How many of so many cores one run may use.
  int CoresOf(int cores) const { return max_cores > 0 ? std::min(cores, max_cores) : cores; }
  // The level that a task's wish gives it: 0 where there are no levels.
  uint64_t Level(uint64_t wish) const {
    if (priority_levels == 0) return 0;
    return wish == 0 || wish > priority_levels ? default_priority : wish;
  }
  const QueuePolicy& PolicyOf(uint64_t level) const {
    const auto policy = policies.find(level);
    return policy == policies.end() ? default_policy : policy->second;
  }
};

// How a batch is to be run.
struct BatchRun {
  int lane = 0;
  int64_t program_rows = 1;  // at least those of the tasks
  int threads = 1;
};

// Tasks that may share a batch: one network at one set of input shapes. *Thread-safe.*
class Workload {
 public:
  virtual ~Workload() = default;

  // Does not change.
  virtual const QueueOptions& options() const = 0;

  // The programs that there are, and what they cost; null or empty while there is none yet: tasks then wait, and the
  // scheduler is told when that changes.
  virtual std::shared_ptr<const CostCurve> costs() const = 0;

  // Does the work of these tasks, all of this workload, on the calling thread, a lane; answers or refuses each, once.
  virtual void Run(std::vector<std::shared_ptr<Task>> batch, const BatchRun& how) = 0;
};

}  // namespace beak
