#include "server/jobs/pacer.h"

#include <signal.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/thread.h"

namespace beak {

Pacer::Pacer(const PacerPolicy::Options& options, const Clock& clock, Send send)
    : clock_(clock), quiet_(options.quiet), send_(std::move(send)), policy_(options) {}

Pacer::~Pacer() {
  MutexLock lock(thread_mutex_);
  BEAK_CHECK(groups_ == 0);
}

void Pacer::SendToGroup(pid_t group, int signal) { kill(-group, signal); }

absl::Status Pacer::Add(pid_t group, int threads) {
  MutexLock thread_lock(thread_mutex_);
  if (groups_ == 0) {
    try {
      thread_ = StartThread("beak-pacer", [this] { Run(); });
    } catch (const std::system_error& error) {
      return absl::UnavailableError(absl::StrCat("train process: no thread to pace it: ", error.what()));
    }
  }
  ++groups_;
  MutexLock lock(mutex_);
  active_.store(true, std::memory_order_relaxed);
  const MonotonicTime now = clock_.Now();
  Obey(policy_.SetBusy(busy_.load(std::memory_order_relaxed), now));
  Obey(policy_.Add(group, threads, now));
  changed_.NotifyAll();
  return absl::OkStatus();
}

void Pacer::Remove(pid_t group) {
  MutexLock thread_lock(thread_mutex_);
  {
    MutexLock lock(mutex_);
    if (!policy_.Has(group)) return;
    Obey(policy_.Remove(group, clock_.Now()));
    if (--groups_ > 0) return;
    active_.store(false, std::memory_order_relaxed);
    end_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
  MutexLock lock(mutex_);
  end_ = false;
}

void Pacer::LanesChanged() {
  MutexLock lock(mutex_);
  Obey(policy_.SetBusy(busy_.load(std::memory_order_relaxed), clock_.Now()));
}

void Pacer::Obey(const PacerPolicy::Orders& orders) {
  bool paused = false;
  for (const PacerPolicy::Order& order : orders) {
    send_(static_cast<pid_t>(order.process), order.pause ? SIGSTOP : SIGCONT);
    paused |= order.pause;
  }
  if (paused) changed_.NotifyAll();
}

// Lanes tell it nothing but that something is paused: while that lasts it looks by itself, which costs less than being
// woken for each lane that becomes free.
void Pacer::Run() {
  MutexLock lock(mutex_);
  while (!end_) {
    const MonotonicTime now = clock_.Now();
    // Also for a lane that became busy just before it could see that somebody listens.
    Obey(policy_.SetBusy(busy_.load(std::memory_order_relaxed), now));
    Obey(policy_.Tick(now));
    if (policy_.any_paused()) {
      changed_.WaitUntil(mutex_, std::min(policy_.next_tick(), now + quiet_));
    } else {
      changed_.Wait(mutex_);
    }
  }
}

std::chrono::nanoseconds Pacer::PausedTime(pid_t group) const {
  MutexLock lock(mutex_);
  return policy_.PausedTime(group, clock_.Now());
}

std::chrono::nanoseconds Pacer::TotalPausedTime() const {
  MutexLock lock(mutex_);
  return policy_.TotalPausedTime(clock_.Now());
}

}  // namespace beak
