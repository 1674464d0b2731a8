#pragma once

#include <array>
#include <deque>
#include <functional>
#include <thread>

#include "engine/base/cancel.h"
#include "engine/base/mutex.h"

namespace beak {

// A thread of low priority, beside the lanes, that compiles programs nobody waits for on a lane. *Thread-safe.*
class Preparer {
 public:
  // `stop` is cancelled when the end comes.
  using Job = std::function<void(const CancelToken& stop)>;

  enum class Urgency {
    kAwaited,   // requests wait for it
    kWhenever,  // it will make them faster
  };

  Preparer();
  // Asks the job that runs to stop and waits for it; those that have not begun are dropped.
  ~Preparer();

  // Runs `job` after all those that are more urgent, and those of its own urgency before it. False where too many of
  // these wait already: it is dropped.
  [[nodiscard]] bool Enqueue(Urgency urgency, Job job) EXCLUDES(mutex_);

 private:
  void Run() EXCLUDES(mutex_);

  CancelToken stop_;
  Mutex mutex_;
  CondVar changed_;
  std::array<std::deque<Job>, 2> jobs_ GUARDED_BY(mutex_);  // by urgency
  std::thread thread_;
};

}  // namespace beak
