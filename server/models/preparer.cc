#include "server/models/preparer.h"

#include <algorithm>
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

bool Preparer::Enqueue(Urgency urgency, Job job) {
  MutexLock lock(mutex_);
  std::deque<Job>& jobs = jobs_[static_cast<size_t>(urgency)];
  if (jobs.size() >= kMaxJobs || stop_.cancelled()) return false;
  jobs.push_back(std::move(job));
  changed_.NotifyAll();
  return true;
}

void Preparer::Run() {
  while (true) {
    Job job;
    {
      MutexLock lock(mutex_);
      const auto some = [](const std::deque<Job>& jobs) { return !jobs.empty(); };
      auto jobs = jobs_.end();
      while (!stop_.cancelled() && (jobs = std::find_if(jobs_.begin(), jobs_.end(), some)) == jobs_.end()) {
        changed_.Wait(mutex_);
      }
      if (stop_.cancelled()) return;
      job = std::move(jobs->front());
      jobs->pop_front();
    }
    job(stop_);
  }
}

}  // namespace beak
