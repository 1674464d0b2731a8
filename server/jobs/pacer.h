#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "absl/status/status.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/jobs/pacer_policy.h"

namespace beak {

// Does what PacerPolicy says: stops and continues groups of processes by signals. Pauses are sent by the lane that
// becomes busy, before it runs anything; a thread, which there is only while there are processes, lets them go on.
// *Thread-safe.*
class Pacer {
 public:
  // `send` is kill(-group, signal); must not block.
  using Send = std::function<void(pid_t group, int signal)>;

  Pacer(const PacerPolicy::Options& options, const Clock& clock, Send send = SendToGroup);
  // REQUIRES: every process has been removed.
  ~Pacer();
  Pacer(const Pacer&) = delete;
  Pacer& operator=(const Pacer&) = delete;

  // A group of processes that computes with so many threads. The caller must not reap its leader before Remove: the
  // number would be another's. UNAVAILABLE where there can be no further thread: it is not paced then.
  absl::Status Add(pid_t group, int threads) EXCLUDES(thread_mutex_, mutex_);
  // It goes on, and gets no more signals. Does nothing where there is none of that number.
  void Remove(pid_t group) EXCLUDES(thread_mutex_, mutex_);

  // How many lanes are busy now. Calls must not overlap. Without processes this is a store and a load.
  void SetLanesBusy(int busy) {
    busy_.store(busy, std::memory_order_relaxed);
    if (active_.load(std::memory_order_relaxed)) LanesChanged();
  }

  // How long a group has been paused so far; all of them, those that have been removed included.
  std::chrono::nanoseconds PausedTime(pid_t group) const EXCLUDES(mutex_);
  std::chrono::nanoseconds TotalPausedTime() const EXCLUDES(mutex_);

  static void SendToGroup(pid_t group, int signal);

 private:
  void LanesChanged() EXCLUDES(mutex_);
  void Run() EXCLUDES(mutex_);
  void Obey(const PacerPolicy::Orders& orders) REQUIRES(mutex_);

  const Clock& clock_;
  const std::chrono::nanoseconds quiet_;
  const Send send_;
  std::atomic<int> busy_{0};
  std::atomic<bool> active_{false};

  Mutex thread_mutex_;  // taken before mutex_: starts and ends the thread
  int groups_ GUARDED_BY(thread_mutex_) = 0;
  std::thread thread_ GUARDED_BY(thread_mutex_);

  mutable Mutex mutex_;
  CondVar changed_;  // something is paused that was not, or the thread is to end
  PacerPolicy policy_ GUARDED_BY(mutex_);
  bool end_ GUARDED_BY(mutex_) = false;
};

}  // namespace beak
