#pragma once

#include <cstdint>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"

namespace beak {

// Counts the calls that are open, so that the end can wait until they are over, and for nothing else: gRPC itself also
// waits for clients that have nothing to ask to hang up. *Thread-safe.*
class OpenCalls {
 public:
  // One call, for as long as this lives.
  class Call {
   public:
    explicit Call(OpenCalls& calls) : calls_(calls), late_(calls.Enter()) {}
    ~Call() { calls_.Leave(late_); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    OpenCalls& calls_;
    const bool late_;
  };

  // Returns when all calls are over that are open now, at `deadline` at the latest. Those that come later, which are
  // told that the end is near, are not waited for: clients that ask again and again would have no end. Call once.
  void AwaitOpen(MonotonicTime deadline) {
    MutexLock lock(mutex_);
    ending_ = true;
    while (open_ > 0 && Clock::Real().Now() < deadline) over_.WaitUntil(mutex_, deadline);
  }

 private:
  bool Enter() {
    MutexLock lock(mutex_);
    if (!ending_) ++open_;
    return ending_;
  }
  void Leave(bool late) {
    MutexLock lock(mutex_);
    if (!late && --open_ == 0) over_.NotifyAll();
  }

  Mutex mutex_;
  CondVar over_;
  int64_t open_ GUARDED_BY(mutex_) = 0;  // that came before the end
  bool ending_ GUARDED_BY(mutex_) = false;
};

}  // namespace beak
