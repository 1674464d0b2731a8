#include "server/scheduling/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "engine/base/retry_after.h"
#include "tests/server/support/fake_workload.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using testing::FakeTask;
using testing::FakeWorkload;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MakeCurve;
using ::testing::SizeIs;
using testing::StatusIs;

using std::chrono::milliseconds;

constexpr milliseconds kNone = milliseconds::max();

class DispatcherTest : public ::testing::Test {
 protected:
  std::shared_ptr<FakeWorkload> Workload(const std::string& model, CostCurve curve = MakeCurve({{1, 2}, {4, 8}}),
                                         QueueOptions options = {}) {
    options.model = model;
    options.max_batch_rows = 64;
    return std::make_shared<FakeWorkload>(std::move(options), std::move(curve));
  }
  std::shared_ptr<FakeTask> Make(const std::shared_ptr<FakeWorkload>& workload, milliseconds deadline = kNone,
                                 int64_t rows = 1, int64_t bytes = 1) {
    return std::make_shared<FakeTask>(
        workload, Task::Properties{rows, bytes, clock_.Now(), deadline == kNone ? kNever : clock_.Now() + deadline, 0});
  }
  Dispatcher::Rejection Admit(const Dispatcher::Tasks& tasks) { return dispatcher_.Admit(tasks, clock_.Now()); }
  absl::Status AdmitOne(const std::shared_ptr<Task>& task) { return Admit({task}).why; }
  Dispatcher::Work TakeBatch(int lane) { return dispatcher_.TakeBatch(lane, clock_.Now()); }

  testing::FakeClock clock_;
  Dispatcher dispatcher_{{2, 10, 100}};
};

TEST_F(DispatcherTest, RowsThatWaitAreLimited) {
  const auto a = Workload("a");
  ASSERT_OK(AdmitOne(Make(a, kNone, 4)));
  ASSERT_OK(AdmitOne(Make(a, kNone, 4)));
  const Dispatcher::Rejection rejection = Admit({Make(Workload("b"), kNone, 3)});
  EXPECT_THAT(rejection.why, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("8 of 10 rows wait, got 3 more")));
  EXPECT_EQ(rejection.reason, Refusal::kQueueFull);
  EXPECT_EQ(RetryAfter(rejection.why), milliseconds(4)) << "two runs of 8 ms on two lanes; half of that";
  EXPECT_OK(AdmitOne(Make(a, kNone, 2)));
  EXPECT_EQ(dispatcher_.rows(), 10);
}

TEST_F(DispatcherTest, BytesThatWaitAreLimited) {
  const auto a = Workload("a");
  ASSERT_OK(AdmitOne(Make(a, kNone, 1, 60)));
  EXPECT_THAT(AdmitOne(Make(a, kNone, 1, 41)), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("bytes")));
  EXPECT_OK(AdmitOne(Make(a, kNone, 1, 40)));
  EXPECT_EQ(dispatcher_.bytes(), 100);
}

TEST_F(DispatcherTest, MoreRowsThanMayEverWaitAreAnotherError) {
  const auto a = Workload("a");
  EXPECT_THAT(
      Admit({Make(a, kNone, 4), Make(a, kNone, 4), Make(a, kNone, 3)}).why,
      StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 10 rows, as many as may wait, got 11")));
  EXPECT_OK(AdmitOne(Make(a, kNone, 1, 1000))) << "bytes are taken while nothing waits";
  EXPECT_FALSE(AdmitOne(Make(a)).ok());
}

TEST_F(DispatcherTest, AllPartsOfARequestOrNone) {
  const auto a = Workload("a");
  ASSERT_OK(AdmitOne(Make(a, kNone, 4)));
  EXPECT_FALSE(Admit({Make(a, kNone, 4), Make(a, kNone, 4)}).why.ok());
  EXPECT_EQ(dispatcher_.rows(), 4);
  EXPECT_FALSE(Admit({Make(a, milliseconds(100)), Make(a, milliseconds(1))}).why.ok()) << "the second is hopeless";
  EXPECT_EQ(dispatcher_.rows(), 4);
}

TEST_F(DispatcherTest, LimitsOfOneModelAreItsOwn) {
  QueueOptions options;
  options.max_queue_rows = 2;
  const auto a = Workload("a", MakeCurve({{1, 2}}), options);
  options.max_queue_rows = 0;
  options.default_policy.max_requests = 1;
  const auto b = Workload("b", MakeCurve({{1, 2}}), options);
  ASSERT_OK(AdmitOne(Make(a)));
  ASSERT_OK(AdmitOne(Make(a)));
  EXPECT_THAT(AdmitOne(Make(a)), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("the model's queue is full")));
  QueueOptions same;
  same.max_queue_rows = 2;
  EXPECT_THAT(AdmitOne(Make(Workload("a", MakeCurve({{1, 2}}), same))),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("2 of 2 rows wait")))
      << "other shapes of the same model count too";
  ASSERT_OK(AdmitOne(Make(b)));
  EXPECT_THAT(AdmitOne(Make(b)),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("exceeds maximum queue size of 1")));
  options.default_policy.max_requests = 2;
  const auto c = Workload("c", MakeCurve({{1, 2}}), options);
  const auto part = [&](bool first) {
    return std::make_shared<FakeTask>(c, Task::Properties{1, 1, clock_.Now(), kNever, 0, first});
  };
  ASSERT_OK(Admit({part(true), part(false), part(false)}).why);
  EXPECT_OK(Admit({part(true), part(false)}).why) << "requests count, not their parts";
  EXPECT_FALSE(Admit({part(true)}).why.ok());
}

TEST_F(DispatcherTest, TheHopelessAreRefusedAtOnce) {
  const auto a = Workload("a", MakeCurve({{1, 10}, {2, 15}}, {{1, 6}}));
  EXPECT_OK(AdmitOne(Make(a, milliseconds(7)))) << "on both cores it can be done";
  TakeBatch(0);
  const Dispatcher::Rejection rejection = Admit({Make(a, milliseconds(7))});
  EXPECT_THAT(rejection.why,
              StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("it has 7 ms left and takes 10 ms at least")));
  EXPECT_EQ(rejection.reason, Refusal::kHopeless);
  EXPECT_OK(AdmitOne(Make(a, milliseconds(11))));
}

TEST_F(DispatcherTest, TheCancelledAndTheExpiredAreRefused) {
  const auto a = Workload("a");
  const auto cancelled = Make(a);
  cancelled->cancel_token().Cancel();
  EXPECT_THAT(AdmitOne(cancelled), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(AdmitOne(Make(a, milliseconds(0))), StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(DispatcherTest, LanesAndCoresAreCounted) {
  const auto a = Workload("a", MakeCurve({{1, 10}}, {{1, 5}}));
  ASSERT_OK(AdmitOne(Make(a)));
  const Dispatcher::Work wide = TakeBatch(Dispatcher::kWideLane);
  EXPECT_EQ(wide.how.threads, 2);
  EXPECT_EQ(dispatcher_.busy_cores(), 2);
  ASSERT_OK(AdmitOne(Make(a)));
  EXPECT_FALSE(dispatcher_.may_run()) << "no core is free";
  EXPECT_THAT(dispatcher_.running_on(0), SizeIs(1));
  EXPECT_THAT(dispatcher_.LaneIsFree(wide.how), SizeIs(1));
  EXPECT_TRUE(dispatcher_.may_run());
  EXPECT_TRUE(TakeBatch(1).for_wide_lane);
  EXPECT_EQ(dispatcher_.running(), 0);
  EXPECT_THAT(TakeBatch(Dispatcher::kWideLane).batch, SizeIs(1));
}

TEST_F(DispatcherTest, AModelThatWasIdleHasNoCredit) {
  const CostCurve curve = MakeCurve({{1, 10}});
  const auto busy = Workload("busy", curve);
  const auto idle = Workload("idle", curve);
  for (int i = 0; i < 100; ++i) {
    ASSERT_OK(AdmitOne(Make(busy)));
    dispatcher_.LaneIsFree(TakeBatch(0).how);
  }
  // From now on both have work: they take turns, rather than that the newcomer catches up first.
  int runs_of_busy = 0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK(AdmitOne(Make(busy)));
    ASSERT_OK(AdmitOne(Make(idle)));
  }
  for (int i = 0; i < 6; ++i) {
    const Dispatcher::Work work = TakeBatch(1);
    runs_of_busy += &work.batch[0]->workload() == busy.get() ? 1 : 0;
    dispatcher_.LaneIsFree(work.how);
  }
  EXPECT_EQ(runs_of_busy, 3);
}

TEST_F(DispatcherTest, WeightsAreShares) {
  QueueOptions heavy;
  heavy.weight = 3;
  const auto a = Workload("a", MakeCurve({{1, 10}}), heavy);
  const auto b = Workload("b", MakeCurve({{1, 10}}));
  int waiting_a = 0, waiting_b = 0, runs_of_a = 0;
  for (int i = 0; i < 400; ++i) {
    for (; waiting_a < 3; ++waiting_a) ASSERT_OK(AdmitOne(Make(a)));
    for (; waiting_b < 3; ++waiting_b) ASSERT_OK(AdmitOne(Make(b)));
    const Dispatcher::Work work = TakeBatch(1);
    const bool is_a = &work.batch[0]->workload() == a.get();
    --(is_a ? waiting_a : waiting_b);
    runs_of_a += is_a ? 1 : 0;
    dispatcher_.LaneIsFree(work.how);
  }
  EXPECT_NEAR(runs_of_a, 300, 5) << "of 400, with a share of three quarters";
}

TEST_F(DispatcherTest, WhatIsTakenIsNoLongerCounted) {
  const auto a = Workload("a");
  const auto b = Workload("b");
  const auto task = Make(a, kNone, 3, 7);
  ASSERT_OK(AdmitOne(task));
  ASSERT_OK(AdmitOne(Make(b, milliseconds(20))));
  ASSERT_OK(AdmitOne(Make(b)));
  EXPECT_EQ(dispatcher_.Take(*task), task);
  EXPECT_EQ(dispatcher_.Take(*task), nullptr);
  clock_.Advance(milliseconds(18));
  EXPECT_EQ(dispatcher_.next_check(), clock_.Now());
  EXPECT_THAT(dispatcher_.TakeHopeless(clock_.Now()), SizeIs(1));
  EXPECT_THAT(dispatcher_.TakeAll(a.get()), IsEmpty());
  EXPECT_THAT(dispatcher_.TakeAll(b.get()), SizeIs(1));
  EXPECT_TRUE(dispatcher_.empty());
  EXPECT_EQ(dispatcher_.rows(), 0);
  EXPECT_EQ(dispatcher_.bytes(), 0);
}

}  // namespace
}  // namespace beak
