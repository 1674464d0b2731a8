#include "server/jobs/pacer_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <random>

namespace beak {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Order = PacerPolicy::Order;

constexpr bool kPause = true;
constexpr bool kGoOn = false;
const MonotonicTime kStart(std::chrono::hours(1));

MonotonicTime After(nanoseconds time) { return kStart + time; }

TEST(PacerPolicyTest, AJobIsPausedOnceLanesTakeEveryCore) {
  PacerPolicy policy({2});
  EXPECT_THAT(policy.Add(7, 2, kStart), IsEmpty());
  EXPECT_THAT(policy.SetBusy(1, After(milliseconds(1))), IsEmpty()) << "its threads share the core that is left";
  EXPECT_THAT(policy.SetBusy(2, After(milliseconds(1))), ElementsAre(Order{7, kPause}));
  EXPECT_THAT(policy.SetBusy(3, After(milliseconds(1))), IsEmpty()) << "it is paused already";
  EXPECT_TRUE(policy.any_paused());
  EXPECT_EQ(policy.next_tick(), kNever) << "nothing to wait for while lanes are busy";
}

TEST(PacerPolicyTest, ItGoesOnOnceLanesHaveLeftRoomForAWhile) {
  PacerPolicy policy({2, milliseconds(2)});
  policy.Add(7, 2, kStart);
  policy.SetBusy(2, kStart);
  EXPECT_THAT(policy.SetBusy(1, After(milliseconds(5))), IsEmpty());
  EXPECT_EQ(policy.next_tick(), After(milliseconds(7)));
  EXPECT_THAT(policy.Tick(After(milliseconds(7)) - nanoseconds(1)), IsEmpty());
  EXPECT_THAT(policy.Tick(After(milliseconds(7))), ElementsAre(Order{7, kGoOn}));
  EXPECT_FALSE(policy.any_paused());
  EXPECT_EQ(policy.next_tick(), kNever);
}

TEST(PacerPolicyTest, ABusyStretchIsOnePause) {
  PacerPolicy policy({1, milliseconds(2)});
  policy.Add(7, 1, kStart);
  int orders = 0;
  MonotonicTime now = kStart;
  for (int request = 0; request < 1000; ++request) {
    now += microseconds(1900);
    orders += static_cast<int>(policy.Tick(now).size() + policy.SetBusy(1, now).size());
    now += microseconds(10);
    orders += static_cast<int>(policy.Tick(now).size() + policy.SetBusy(0, now).size());
  }
  EXPECT_EQ(orders, 1);
}

TEST(PacerPolicyTest, WhatIsLeftGoesToTheOldest) {
  PacerPolicy policy({4, milliseconds(2)});
  policy.Add(1, 2, kStart);
  policy.Add(2, 2, kStart);
  policy.Add(3, 1, kStart);
  EXPECT_THAT(policy.SetBusy(1, kStart), ElementsAre(Order{3, kPause})) << "3 cores for 4 threads";
  EXPECT_THAT(policy.SetBusy(3, kStart), ElementsAre(Order{2, kPause})) << "1 core for 2";
  EXPECT_THAT(policy.SetBusy(4, kStart), ElementsAre(Order{1, kPause}));
  EXPECT_THAT(policy.SetBusy(0, kStart), IsEmpty());
  EXPECT_THAT(policy.Tick(After(milliseconds(2))), ElementsAre(Order{1, kGoOn}, Order{2, kGoOn}, Order{3, kGoOn}));
}

TEST(PacerPolicyTest, WithoutBusyLanesAllRunWhateverTheyNeed) {
  PacerPolicy policy({1});
  EXPECT_THAT(policy.Add(1, 8, kStart), IsEmpty());
  EXPECT_THAT(policy.Add(2, 8, kStart), IsEmpty());
  EXPECT_FALSE(policy.any_paused());
}

TEST(PacerPolicyTest, AJobThatComesWhileLanesAreBusyIsPausedAtOnce) {
  PacerPolicy policy({2});
  policy.SetBusy(2, kStart);
  EXPECT_THAT(policy.Add(7, 1, kStart), ElementsAre(Order{7, kPause}));
}

TEST(PacerPolicyTest, AJobThatGoesIsLeftRunning) {
  PacerPolicy policy({2, milliseconds(2)});
  policy.Add(1, 1, kStart);
  policy.Add(2, 1, kStart);
  policy.SetBusy(1, kStart);
  EXPECT_TRUE(policy.Has(2));
  EXPECT_THAT(policy.Remove(1, kStart), IsEmpty()) << "it ran";
  EXPECT_THAT(policy.Tick(After(milliseconds(2))), ElementsAre(Order{2, kGoOn})) << "there is room now";
  policy.SetBusy(2, After(milliseconds(3)));
  EXPECT_THAT(policy.Remove(2, After(milliseconds(4))), ElementsAre(Order{2, kGoOn})) << "even while lanes are busy";
  EXPECT_FALSE(policy.Has(2));
  EXPECT_THAT(policy.Remove(2, kStart), IsEmpty());
}

TEST(PacerPolicyTest, PausesAreAddedUp) {
  PacerPolicy policy({1, milliseconds(2)});
  policy.Add(7, 1, kStart);
  policy.SetBusy(1, After(milliseconds(10)));
  EXPECT_EQ(policy.PausedTime(7, After(milliseconds(13))), milliseconds(3)) << "one that lasts counts";
  policy.SetBusy(0, After(milliseconds(20)));
  policy.Tick(After(milliseconds(22)));
  EXPECT_EQ(policy.PausedTime(7, After(milliseconds(50))), milliseconds(12));
  policy.SetBusy(1, After(milliseconds(50)));
  policy.Remove(7, After(milliseconds(51)));
  EXPECT_EQ(policy.PausedTime(7, After(milliseconds(60))), nanoseconds(0));
  EXPECT_EQ(policy.TotalPausedTime(After(milliseconds(60))), milliseconds(13));
}

// Whatever happens in whatever order: what is paused has no core or waits for its time, and what runs has one.
TEST(PacerPolicyTest, NothingIsPausedForLongerThanNeeded) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    constexpr int kCores = 4;
    PacerPolicy policy({kCores, milliseconds(2)});
    std::map<int64_t, std::pair<int, bool>> jobs;  // threads, paused
    MonotonicTime now = kStart;
    int busy = 0;
    const auto obey = [&](const PacerPolicy::Orders& orders) {
      for (const Order& order : orders) {
        if (jobs.count(order.process) == 0) continue;  // it has just been removed
        EXPECT_NE(jobs[order.process].second, order.pause) << "no order is given twice";
        jobs[order.process].second = order.pause;
      }
    };
    for (int step = 0; step < 200; ++step) {
      now += microseconds(random() % 3000);
      obey(policy.Tick(now));
      const uint32_t what = random() % 8;
      if (what == 0 && jobs.size() < 4) {
        const int threads = 1 + static_cast<int>(random() % 4);
        jobs[step] = {threads, false};
        obey(policy.Add(step, threads, now));
      } else if (what == 1 && !jobs.empty()) {
        const int64_t job = jobs.begin()->first;
        jobs.erase(job);
        obey(policy.Remove(job, now));
      } else {
        busy = static_cast<int>(random() % (kCores + 1));
        obey(policy.SetBusy(busy, now));
      }
      int before = 0;  // the threads of those that run, but for the youngest
      int youngest = 0;
      for (const auto& [job, state] : jobs) {
        if (state.second) continue;
        before += youngest;
        youngest = state.first;
      }
      EXPECT_TRUE(busy == 0 || youngest == 0 || busy + before < kCores);
    }
    obey(policy.SetBusy(0, now));
    obey(policy.Tick(now + milliseconds(2)));
    for (const auto& [job, state] : jobs) EXPECT_FALSE(state.second);
  }
}

}  // namespace
}  // namespace beak
