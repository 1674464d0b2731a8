#include "client/bench/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/support/fake_clock.h"

namespace beak::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

using Act = OpenLoop::Act;

TEST(ArrivalsTest, ConstantOnesAreEvenAndDoNotDrift) {
  Arrivals arrivals(Arrival::kConstant, 3, 0);
  EXPECT_EQ(arrivals.Next(), nanoseconds(0));
  EXPECT_EQ(arrivals.Next(), nanoseconds(333'333'333));
  nanoseconds last(0);
  for (int i = 2; i <= 3'000'000; ++i) last = arrivals.Next();
  EXPECT_EQ(last, seconds(1'000'000));
}

TEST(ArrivalsTest, PoissonGapsHaveTheRightMeanAndSpread) {
  constexpr int kGaps = 200'000;
  Arrivals arrivals(Arrival::kPoisson, 1000, 42);
  double sum = 0, squares = 0, last = 0;
  for (int i = 0; i < kGaps; ++i) {
    const double time = Seconds(arrivals.Next());
    const double gap = time - last;
    ASSERT_GE(gap, 0);
    sum += gap;
    squares += gap * gap;
    last = time;
  }
  const double mean = sum / kGaps;
  EXPECT_NEAR(mean, 1e-3, 1e-5);
  EXPECT_NEAR(std::sqrt(squares / kGaps - mean * mean), 1e-3, 2e-5) << "an exponential's deviation is its mean";
}

TEST(ArrivalsTest, OneSeedGivesOneSchedule) {
  Arrivals a(Arrival::kPoisson, 10, 1), b(Arrival::kPoisson, 10, 1), c(Arrival::kPoisson, 10, 2);
  const nanoseconds first = a.Next();
  EXPECT_EQ(first, b.Next());
  EXPECT_NE(first, c.Next());
}

class OpenLoopTest : public ::testing::Test {
 protected:
  // 100 a second for one second.
  OpenLoop Loop(int64_t max_outstanding = 10) {
    return OpenLoop(Arrivals(Arrival::kConstant, 100, 0), begin_, begin_ + seconds(1), max_outstanding);
  }

  testing::FakeClock clock_;
  const MonotonicTime begin_ = clock_.Now();
};

TEST_F(OpenLoopTest, SendsEachAtItsTime) {
  OpenLoop loop = Loop();
  int sent = 0;
  while (true) {
    const OpenLoop::Step step = loop.Next(clock_.Now(), 0);
    if (step.act == Act::kDone) break;
    if (step.act == Act::kSend) {
      EXPECT_EQ(step.time, begin_ + milliseconds(10) * sent);
      EXPECT_EQ(step.time, clock_.Now());
      ++sent;
    } else {
      ASSERT_EQ(step.act, Act::kWait);
      ASSERT_GT(step.time, clock_.Now());
      clock_.Set(step.time);
    }
  }
  EXPECT_EQ(sent, 100);
  EXPECT_EQ(loop.blocked(), 0u);
}

TEST_F(OpenLoopTest, ASenderThatOversleptCatchesUp) {
  OpenLoop loop = Loop(1000);
  clock_.Advance(milliseconds(35));
  for (int i = 0; i < 4; ++i) {
    const OpenLoop::Step step = loop.Next(clock_.Now(), i);
    EXPECT_EQ(step.act, Act::kSend);
    EXPECT_EQ(step.time, begin_ + milliseconds(10 * i)) << "due when it was due, not when it was sent";
  }
  EXPECT_EQ(loop.Next(clock_.Now(), 4).act, Act::kWait);
}

TEST_F(OpenLoopTest, TheLimitDelaysButDropsNothing) {
  OpenLoop loop = Loop(2);
  clock_.Advance(seconds(10));
  EXPECT_EQ(loop.Next(clock_.Now(), 0).act, Act::kSend);
  EXPECT_EQ(loop.Next(clock_.Now(), 1).act, Act::kSend);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(loop.Next(clock_.Now(), 2).act, Act::kBlock);
  EXPECT_EQ(loop.blocked(), 0u);
  int sent = 2;
  while (loop.Next(clock_.Now(), 1).act == Act::kSend) ++sent;
  EXPECT_EQ(sent, 100) << "also after the end";
  EXPECT_EQ(loop.blocked(), 98u) << "all that the limit kept waiting, the ones behind the first too";
  EXPECT_EQ(loop.Next(clock_.Now(), 0).act, Act::kDone);
}

}  // namespace
}  // namespace beak::bench
