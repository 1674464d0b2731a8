#include "client/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace beak::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using ::testing::Eq;
using ::testing::Optional;

// A clock that the tests move, and a call on it that keeps failing in no time of its own.
class RetryDelayTest : public ::testing::Test {
 protected:
  static FailedAttempt Failed(int number, double random = 0.5) {
    FailedAttempt attempt;
    attempt.number = number;
    attempt.random = random;
    return attempt;
  }

  RetryOptions options_;
};

TEST_F(RetryDelayTest, GrowsExponentiallyUpToTheLargest) {
  options_.max_attempts = 100;
  // Half of 50 ms, 100 ms, 200 ms ... 2 s.
  EXPECT_THAT(RetryDelay(options_, Failed(1)), Optional(Eq(milliseconds(25))));
  EXPECT_THAT(RetryDelay(options_, Failed(2)), Optional(Eq(milliseconds(50))));
  EXPECT_THAT(RetryDelay(options_, Failed(3)), Optional(Eq(milliseconds(100))));
  EXPECT_THAT(RetryDelay(options_, Failed(7)), Optional(Eq(seconds(1))));
  EXPECT_THAT(RetryDelay(options_, Failed(99)), Optional(Eq(seconds(1))));
}

TEST_F(RetryDelayTest, JitterCoversTheWholeInterval) {
  EXPECT_THAT(RetryDelay(options_, Failed(1, 0)), Optional(Eq(nanoseconds(0))));
  const auto longest = RetryDelay(options_, Failed(1, 0.999999));
  ASSERT_TRUE(longest);
  EXPECT_GT(*longest, milliseconds(49));
  EXPECT_LT(*longest, milliseconds(50));
}

TEST_F(RetryDelayTest, StopsAfterTheLastAttempt) {
  EXPECT_TRUE(RetryDelay(options_, Failed(3)));
  EXPECT_FALSE(RetryDelay(options_, Failed(4)));
  options_.max_attempts = 1;
  EXPECT_FALSE(RetryDelay(options_, Failed(1)));
}

TEST_F(RetryDelayTest, OnlyUnavailableIsRetried) {
  for (int code = 1; code <= 16; ++code) {
    FailedAttempt attempt = Failed(1);
    attempt.code = static_cast<absl::StatusCode>(code);
    EXPECT_EQ(RetryDelay(options_, attempt).has_value(), attempt.code == absl::StatusCode::kUnavailable) << code;
  }
}

TEST_F(RetryDelayTest, TheServersWishIsGranted) {
  FailedAttempt attempt = Failed(1);
  attempt.pushback = Pushback{milliseconds(1234)};
  EXPECT_THAT(RetryDelay(options_, attempt), Optional(Eq(milliseconds(1234))));
  attempt.pushback = Pushback{};
  EXPECT_FALSE(RetryDelay(options_, attempt));
}

TEST_F(RetryDelayTest, AWaitThatUsesUpTheDeadlineIsNotBegun) {
  FailedAttempt attempt = Failed(1);
  attempt.pushback = Pushback{milliseconds(100)};
  attempt.time_left = milliseconds(101);
  EXPECT_TRUE(RetryDelay(options_, attempt));
  attempt.time_left = milliseconds(100);
  EXPECT_FALSE(RetryDelay(options_, attempt));
  attempt.time_left = milliseconds(-5);
  EXPECT_FALSE(RetryDelay(options_, attempt));
}

TEST_F(RetryDelayTest, AllAttemptsTogetherStayWithinTheDeadline) {
  options_.max_attempts = 1000;
  const nanoseconds deadline = seconds(10);
  nanoseconds now{0};
  int number = 1;
  while (true) {
    FailedAttempt attempt = Failed(number, 0.9);
    attempt.time_left = deadline - now;
    const auto delay = RetryDelay(options_, attempt);
    if (!delay) break;
    now += *delay;
    ++number;
    ASSERT_LT(now, deadline);
  }
  EXPECT_GT(number, 5);
}

TEST(ParsePushbackTest, ReadsMilliseconds) {
  EXPECT_THAT(ParsePushback("0").delay, Optional(Eq(milliseconds(0))));
  EXPECT_THAT(ParsePushback("250").delay, Optional(Eq(milliseconds(250))));
}

TEST(ParsePushbackTest, AnythingElseMeansDoNotRetry) {
  for (const char* text : {"-1", "", "soon", "1.5", "99999999999999999999"}) {
    EXPECT_EQ(ParsePushback(text).delay, std::nullopt) << text;
  }
}

TEST(ParsePushbackTest, HugeWaitsDoNotOverflow) {
  EXPECT_THAT(ParsePushback("9223372036854775807").delay, Optional(Eq(std::chrono::hours(24))));
}

TEST(RetryBudgetTest, AQuietClientMaySpendTheBurstAndNoMore) {
  RetryBudget budget{RetryOptions()};
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(budget.Withdraw()) << i;
  EXPECT_FALSE(budget.Withdraw());
}

TEST(RetryBudgetTest, RetriesAreATenthOfTheCalls) {
  RetryBudget budget{RetryOptions()};
  while (budget.Withdraw()) {
  }
  int retries = 0;
  for (int call = 0; call < 1000; ++call) {
    budget.Deposit();
    if (budget.Withdraw()) ++retries;
  }
  EXPECT_NEAR(retries, 100, 1);
}

TEST(RetryBudgetTest, CallsSaveUpNoMoreThanTheBurst) {
  RetryBudget budget{RetryOptions()};
  for (int call = 0; call < 100'000; ++call) budget.Deposit();
  int retries = 0;
  while (budget.Withdraw()) ++retries;
  EXPECT_EQ(retries, 10);
}

}  // namespace
}  // namespace beak::client
