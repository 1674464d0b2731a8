#include "server/models/preparer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace beak {
namespace {

using ::testing::ElementsAre;

using Urgency = Preparer::Urgency;

// Of the calling thread.
int Priority() { return getpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid))); }

// A job that has begun and goes on until it is released.
class Gate {
 public:
  // Returns when the job runs.
  void Occupy(Preparer& preparer) {
    ASSERT_TRUE(preparer.Enqueue(Urgency::kWhenever, [this](const CancelToken&) {
      begun_.set_value();
      released_.get_future().wait();
    }));
    begun_.get_future().wait();
  }
  void Release() { released_.set_value(); }

 private:
  std::promise<void> begun_;
  std::promise<void> released_;
};

// Returns when all that was enqueued before has run.
void Await(Preparer& preparer) {
  std::promise<void> ran;
  ASSERT_TRUE(preparer.Enqueue(Urgency::kWhenever, [&](const CancelToken&) { ran.set_value(); }));
  ran.get_future().wait();
}

TEST(PreparerTest, RunsJobsOneAfterAnotherInOrderOnAThreadOfItsOwn) {
  Preparer preparer;
  std::vector<int> order;  // not guarded: one thread writes it, and Await orders that before us
  std::vector<std::thread::id> threads;
  Gate gate;
  gate.Occupy(preparer);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(preparer.Enqueue(Urgency::kWhenever, [&, i](const CancelToken& stop) {
      EXPECT_FALSE(stop.cancelled());
      order.push_back(i);
      threads.push_back(std::this_thread::get_id());
    }));
  }
  gate.Release();
  Await(preparer);
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(threads, ::testing::Each(threads[0]));
  EXPECT_NE(threads[0], std::this_thread::get_id());
}

TEST(PreparerTest, WhatIsAwaitedGoesFirst) {
  Preparer preparer;
  std::vector<int> order;
  Gate gate;
  gate.Occupy(preparer);
  for (const auto& [number, urgency] : {std::pair(1, Urgency::kWhenever), std::pair(2, Urgency::kAwaited),
                                        std::pair(3, Urgency::kWhenever), std::pair(4, Urgency::kAwaited)}) {
    ASSERT_TRUE(preparer.Enqueue(urgency, [&order, number = number](const CancelToken&) { order.push_back(number); }));
  }
  gate.Release();
  Await(preparer);
  EXPECT_THAT(order, ElementsAre(2, 4, 1, 3));
}

TEST(PreparerTest, RunsAtLowPriority) {
  const int before = Priority();
  Preparer preparer;
  std::promise<int> priority;
  ASSERT_TRUE(preparer.Enqueue(Urgency::kWhenever, [&](const CancelToken&) { priority.set_value(Priority()); }));
  EXPECT_EQ(priority.get_future().get(), 10);
  EXPECT_EQ(Priority(), before) << "it alone";
}

TEST(PreparerTest, IsBounded) {
  constexpr int kFarTooMany = 10'000;
  Preparer preparer;
  Gate gate;
  gate.Occupy(preparer);
  int accepted = 0;
  int ran = 0;
  while (accepted < kFarTooMany && preparer.Enqueue(Urgency::kWhenever, [&](const CancelToken&) { ++ran; })) ++accepted;
  EXPECT_GE(accepted, 16);
  EXPECT_LT(accepted, kFarTooMany);
  const auto dropped = std::make_shared<int>();
  EXPECT_FALSE(preparer.Enqueue(Urgency::kWhenever, [dropped](const CancelToken&) {})) << "still full";
  EXPECT_EQ(dropped.use_count(), 1);
  gate.Release();
  // There is room once the first of them has begun: not before, and Enqueue does not wait.
  std::promise<void> drained;
  while (!preparer.Enqueue(Urgency::kWhenever, [&](const CancelToken&) { drained.set_value(); }))
    std::this_thread::yield();
  drained.get_future().wait();
  EXPECT_EQ(ran, accepted) << "what was accepted runs";
}

TEST(PreparerTest, JobsMayEnqueueJobs) {
  Preparer preparer;
  std::promise<void> second;
  ASSERT_TRUE(preparer.Enqueue(Urgency::kWhenever, [&](const CancelToken&) {
    EXPECT_TRUE(preparer.Enqueue(Urgency::kWhenever, [&](const CancelToken&) { second.set_value(); }));
  }));
  second.get_future().wait();
}

TEST(PreparerTest, AJobIsDestroyedWhenItHasRun) {
  Preparer preparer;
  const auto captured = std::make_shared<int>();
  ASSERT_TRUE(preparer.Enqueue(Urgency::kWhenever, [captured](const CancelToken&) {}));
  Await(preparer);
  EXPECT_EQ(captured.use_count(), 1);
}

TEST(PreparerTest, TheEndAsksTheJobThatRunsToStopAndDropsTheOthers) {
  bool stopped = false;
  bool other_ran = false;
  const auto captured = std::make_shared<int>();
  {
    Preparer preparer;
    std::promise<void> begun;
    ASSERT_TRUE(preparer.Enqueue(Urgency::kWhenever, [&](const CancelToken& stop) {
      begun.set_value();
      while (!stop.cancelled()) std::this_thread::yield();  // hangs where nobody asks
      stopped = true;
      EXPECT_FALSE(preparer.Enqueue(Urgency::kWhenever, [&](const CancelToken&) { other_ran = true; }))
          << "the end has come";
    }));
    ASSERT_TRUE(preparer.Enqueue(Urgency::kWhenever, [&, captured](const CancelToken&) { other_ran = true; }));
    begun.get_future().wait();
  }
  EXPECT_TRUE(stopped) << "it was waited for";
  EXPECT_FALSE(other_ran);
  EXPECT_EQ(captured.use_count(), 1);
}

TEST(PreparerTest, OneWithoutJobsEnds) { const Preparer preparer; }

}  // namespace
}  // namespace beak
