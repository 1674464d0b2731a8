#include "server/models/loader.h"

#include <deque>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/mutex.h"
#include "engine/base/thread.h"

namespace beak {
namespace {

class LoaderThreads final : public Loader {
 public:
  explicit LoaderThreads(int count) {
    for (int i = 0; i < count; ++i) threads_.push_back(StartThread(absl::StrCat("beak-load-", i), [this] { Run(); }));
  }
  ~LoaderThreads() override { Stop(); }

  void Submit(std::function<void()> load) override {
    MutexLock lock(mutex_);
    queue_.push_back(std::move(load));
    changed_.NotifyOne();
  }

  void Stop() override {
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      changed_.NotifyAll();
    }
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

 private:
  void Run() {
    LowerThreadPriority();
    while (const std::function<void()> load = Next()) load();
  }

  // Null at the end.
  std::function<void()> Next() {
    MutexLock lock(mutex_);
    while (queue_.empty() && !stopping_) changed_.Wait(mutex_);
    if (queue_.empty()) return nullptr;
    std::function<void()> load = std::move(queue_.front());
    queue_.pop_front();
    return load;
  }

  std::vector<std::thread> threads_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
};

}  // namespace

std::unique_ptr<Loader> Loader::CreateThreads(int count) { return std::make_unique<LoaderThreads>(count); }

}  // namespace beak
