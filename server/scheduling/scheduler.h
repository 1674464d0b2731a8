#pragma once

#include <memory>

#include "engine/base/clock.h"
#include "server/scheduling/task.h"

namespace beak {

// Decides when and where tasks run. Knows neither protocols nor models. *Thread-safe.* It never calls a task while it
// holds a lock, and never runs one after its deadline or its cancellation.
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // Hands a task over. It is run or refused, perhaps before this returns: UNAVAILABLE where there is no room or the end
  // is near, DEADLINE_EXCEEDED and CANCELLED as soon as that becomes known while it waits.
  virtual void Submit(std::shared_ptr<Task> task) = 0;

  // Nobody wants this task's result any more. It is refused now if it waits, and asked to stop if it runs; nothing
  // happens if it is over. May also come before Submit.
  virtual void Cancel(Task& task) = 0;

  // Refuses new tasks from now on. Returns when none is left: those that still wait at `deadline` are then refused, and
  // those that run are asked to stop.
  virtual void Drain(MonotonicTime deadline) = 0;
};

}  // namespace beak
