#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "server/scheduling/task.h"
#include "server/scheduling/workload.h"

namespace beak {

// Decides when, where and with which others tasks run. Knows neither protocols nor models. *Thread-safe.* It never
// calls a task or a workload's Run while it holds a lock, and never runs a task after its deadline or its cancellation.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // Hands tasks over: all are admitted or none. Each is run or refused, perhaps before this returns: UNAVAILABLE where
  // there is no room or the end is near, DEADLINE_EXCEEDED and CANCELLED as soon as that becomes known while it waits.
  // REQUIRES: at least one; all of one workload.
  virtual void Submit(std::vector<std::shared_ptr<Task>> tasks) = 0;

  // Nobody wants this task's result any more. It is refused now if it waits, and asked to stop if it runs; nothing
  // happens if it is over. May also come before Submit.
  virtual void Cancel(Task& task) = 0;

  // Some workload has got its first programs, or more of them.
  virtual void ProgramsChanged() = 0;
  // No program can be had for a workload: what waits for it is refused.
  virtual void RefuseAll(const Workload& workload, const absl::Status& why) = 0;

  // Refuses new tasks from now on, but for those that continue what has begun. Returns when none is left: those that
  // still wait, or come, at `deadline` are then refused, and those that run are asked to stop.
  virtual void Drain(MonotonicTime deadline) = 0;
};

}  // namespace beak
