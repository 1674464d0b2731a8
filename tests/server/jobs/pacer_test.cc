#include "server/jobs/pacer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "tests/server/jobs/trainer_support.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using std::chrono::milliseconds;
using testing::Eventually;

// Groups of processes that are none. *Thread-safe.*
class Groups {
 public:
  Pacer::Send send() {
    return [this](pid_t group, int signal) {
      MutexLock lock(mutex_);
      paused_[group] = signal == SIGSTOP;
      ++signals_;
    };
  }
  bool paused(pid_t group) {
    MutexLock lock(mutex_);
    return paused_[group];
  }
  int signals() {
    MutexLock lock(mutex_);
    return signals_;
  }

 private:
  Mutex mutex_;
  std::map<pid_t, bool> paused_ GUARDED_BY(mutex_);
  int signals_ GUARDED_BY(mutex_) = 0;
};

TEST(PacerTest, ALanePausesBeforeItGoesOn) {
  Groups groups;
  Pacer pacer({2}, Clock::Real(), groups.send());
  ASSERT_OK(pacer.Add(7, 2));
  pacer.SetLanesBusy(2);
  EXPECT_TRUE(groups.paused(7));
  pacer.SetLanesBusy(0);
  EXPECT_TRUE(Eventually([&] { return !groups.paused(7); }));
  EXPECT_EQ(groups.signals(), 2);
  EXPECT_GE(pacer.PausedTime(7), milliseconds(2));
  pacer.Remove(7);
  EXPECT_EQ(groups.signals(), 2);
}

TEST(PacerTest, WithoutProcessesNothingIsSent) {
  Groups groups;
  Pacer pacer({1}, Clock::Real(), groups.send());
  pacer.SetLanesBusy(1);
  pacer.SetLanesBusy(0);
  pacer.SetLanesBusy(1);
  EXPECT_EQ(groups.signals(), 0);
  ASSERT_OK(pacer.Add(7, 1));
  EXPECT_TRUE(groups.paused(7)) << "a lane has been busy since before";
  pacer.Remove(7);
  EXPECT_FALSE(groups.paused(7)) << "it goes on to its end";
  pacer.SetLanesBusy(0);
  pacer.SetLanesBusy(1);
  pacer.Remove(7);
  EXPECT_EQ(groups.signals(), 2) << "and gets no more signals";
  EXPECT_GT(pacer.TotalPausedTime(), milliseconds(0));
}

TEST(PacerTest, LanesAndJobsComeAndGoAtTheSameTime) {
  Groups groups;
  {
    Pacer pacer({2, std::chrono::microseconds(50)}, Clock::Real(), groups.send());
    std::atomic<bool> end = false;
    std::thread lanes([&] {
      for (int i = 0; !end; ++i) pacer.SetLanesBusy(i % 3);
    });
    std::vector<std::thread> jobs;
    for (pid_t group = 1; group <= 3; ++group) {
      jobs.emplace_back([&pacer, group] {
        for (int i = 0; i < 300; ++i) {
          ASSERT_OK(pacer.Add(group, group));
          pacer.PausedTime(group);
          pacer.Remove(group);
        }
      });
    }
    for (std::thread& job : jobs) job.join();
    end = true;
    lanes.join();
  }
  for (pid_t group = 1; group <= 3; ++group) EXPECT_FALSE(groups.paused(group));
}

}  // namespace
}  // namespace beak
