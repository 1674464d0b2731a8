#include "engine/base/mutex.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace beak {
namespace {

class Counter {
 public:
  void Increment() {
    const MutexLock lock(mutex_);
    ++value_;
    changed_.NotifyAll();
  }
  void WaitFor(int value) {
    const MutexLock lock(mutex_);
    while (value_ < value) changed_.Wait(mutex_);
  }
  int value() {
    const MutexLock lock(mutex_);
    return value_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int value_ GUARDED_BY(mutex_) = 0;
};

TEST(MutexTest, ExcludesAndWakes) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 1000;
  Counter counter;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) counter.Increment();
    });
  }
  counter.WaitFor(kThreads * kRounds);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), kThreads * kRounds);
}

TEST(CondVarTest, WaitUntilAPastDeadlineReturns) {
  Mutex mutex;
  CondVar cond;
  const MutexLock lock(mutex);
  cond.WaitUntil(mutex, std::chrono::steady_clock::time_point());
}

}  // namespace
}  // namespace beak
