#include "client/bench/tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace beak::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class CounterTest : public ::testing::Test {
 protected:
  // Counts for ten seconds.
  Counter Make(Counter::By by, milliseconds deadline = milliseconds(0)) {
    return Counter(by, begin_, begin_ + seconds(10), deadline);
  }
  MonotonicTime At(int ms) const { return begin_ + milliseconds(ms); }

  const MonotonicTime begin_ = testing::FakeClock().Now();
};

TEST_F(CounterTest, AClosedLoopCountsWhatIsAnsweredInTheTime) {
  Counter counter = Make(Counter::By::kAnswerTime);
  counter.Add(absl::OkStatus(), At(-20), At(-1));
  counter.Add(absl::OkStatus(), At(-20), At(0));
  counter.Add(absl::OkStatus(), At(9990), At(9999));
  counter.Add(absl::OkStatus(), At(9990), At(10'000));
  const Tally tally = counter.Finish(At(10'000));
  EXPECT_EQ(tally.requests, 2u);
  EXPECT_EQ(tally.answered, 2u);
  EXPECT_EQ(tally.latency.max(), milliseconds(20));
  EXPECT_EQ(tally.duration, seconds(10));
  EXPECT_FALSE(tally.interrupted);
}

TEST_F(CounterTest, AnOpenLoopCountsWhatWasDueInTheTimeHoweverLateItsAnswer) {
  Counter counter = Make(Counter::By::kDueTime);
  counter.Add(absl::OkStatus(), At(-1), At(5));
  counter.Add(absl::OkStatus(), At(0), At(5));
  counter.Add(absl::OkStatus(), At(9999), At(20'000));
  counter.Add(absl::OkStatus(), At(10'000), At(10'001));
  const Tally tally = counter.Finish(At(30'000));
  EXPECT_EQ(tally.requests, 2u);
  EXPECT_EQ(tally.latency.max(), milliseconds(10'001));
  EXPECT_EQ(tally.answered, 2u) << "throughput is what came in the time, whenever it was due";
  EXPECT_EQ(tally.duration, seconds(10));
}

TEST_F(CounterTest, GoodIsWhatCameWithinTheDeadline) {
  Counter counter = Make(Counter::By::kDueTime, milliseconds(5));
  counter.Add(absl::OkStatus(), At(0), At(5));
  counter.Add(absl::OkStatus(), At(0), At(6));
  counter.Add(absl::DeadlineExceededError("late"), At(0), At(1));
  const Tally tally = counter.Finish(At(10'000));
  EXPECT_EQ(tally.requests, 3u);
  EXPECT_EQ(tally.in_time, 1u);
  EXPECT_EQ(tally.latency.count(), 2u);
}

TEST_F(CounterTest, ErrorsAreKeptByCode) {
  Counter counter = Make(Counter::By::kDueTime);
  counter.Add(absl::UnavailableError("first"), At(0), At(5));
  counter.Add(absl::UnavailableError("second"), At(0), At(7));
  counter.Add(absl::InternalError("other"), At(0), At(1));
  const Tally tally = counter.Finish(At(10'000));
  ASSERT_EQ(tally.errors.size(), 2u);
  const ErrorTally& unavailable = tally.errors.at(absl::StatusCode::kUnavailable);
  EXPECT_EQ(unavailable.latency.count(), 2u);
  EXPECT_EQ(unavailable.latency.max(), milliseconds(7));
  EXPECT_EQ(unavailable.message, "first");
  EXPECT_EQ(tally.answered, 0u);
}

TEST_F(CounterTest, AnEarlyEndGivesTheFiguresSoFar) {
  Counter counter = Make(Counter::By::kAnswerTime);
  counter.Add(absl::OkStatus(), At(0), At(5));
  EXPECT_EQ(counter.Finish(At(2000)).duration, seconds(2));
  EXPECT_TRUE(counter.Finish(At(2000)).interrupted);
  EXPECT_EQ(counter.Finish(At(-10)).duration, seconds(0)) << "during the warm-up";
}

}  // namespace
}  // namespace beak::bench
