#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"

namespace beak {

// Carries what happens on other threads to the one that acts on it. *Thread-safe.*
class Mailbox {
 public:
  using Event = std::function<void()>;

  void Post(Event event) {
    MutexLock lock(mutex_);
    events_.push_back(std::move(event));
    changed_.NotifyAll();
  }
  // False, and nothing is posted, once it is closed.
  bool PostUnlessClosed(Event event) {
    MutexLock lock(mutex_);
    if (closed_) return false;
    events_.push_back(std::move(event));
    changed_.NotifyAll();
    return true;
  }

  // Nobody will wait any more.
  void Close() {
    MutexLock lock(mutex_);
    closed_ = true;
    changed_.NotifyAll();
  }
  bool closed() const {
    MutexLock lock(mutex_);
    return closed_;
  }

  // Returns when there is an event, when it is closed, and at `deadline` at the latest.
  void WaitUntil(MonotonicTime deadline) {
    MutexLock lock(mutex_);
    while (events_.empty() && !closed_) {
      if (deadline == kNever) {
        changed_.Wait(mutex_);
      } else if (Clock::Real().Now() < deadline) {
        changed_.WaitUntil(mutex_, deadline);
      } else {
        return;
      }
    }
  }

  // All events, the oldest first.
  std::vector<Event> Take() {
    MutexLock lock(mutex_);
    return std::exchange(events_, {});
  }

 private:
  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<Event> events_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace beak
