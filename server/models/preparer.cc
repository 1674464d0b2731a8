#include "server/models/preparer.h"

#include <utility>

#include "engine/base/thread.h"

namespace beak {
namespace {

constexpr size_t kMaxJobs = 256;

}  // namespace

Preparer::Preparer() {
  thread_ = StartThread("beak-preparer", [this] {
    LowerThreadPriority();
    Run();
  });
}

Preparer::~Preparer() {
  {
    MutexLock lock(mutex_);
    stop_.Cancel();
    changed_.NotifyAll();
  }
  thread_.join();
}

bool Preparer::Enqueue(Job job) {
  MutexLock lock(mutex_);
  if (jobs_.size() >= kMaxJobs || stop_.cancelled()) return false;
  jobs_.push_back(std::move(job));
  changed_.NotifyAll();
  return true;
}

void Preparer::Run() {
  while (true) {
    Job job;
    {
      MutexLock lock(mutex_);
      while (jobs_.empty() && !stop_.cancelled()) changed_.Wait(mutex_);
      if (stop_.cancelled()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job(stop_);
  }
}

}  // namespace beak
