#include "client/bench/histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace beak::bench {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::nanoseconds;

TEST(HistogramTest, AnEmptyOneSaysNothing) {
  const Histogram histogram;
  EXPECT_EQ(histogram.count(), 0u);
  EXPECT_EQ(histogram.Mean(), nanoseconds(0));
  EXPECT_EQ(histogram.Percentile(0.5), nanoseconds(0));
  EXPECT_EQ(histogram.max(), nanoseconds(0));
}

TEST(HistogramTest, SmallNumbersAreExact) {
  Histogram histogram;
  for (int i = 1; i <= 100; ++i) histogram.Add(nanoseconds(i));
  EXPECT_EQ(histogram.Percentile(0), nanoseconds(1));
  EXPECT_EQ(histogram.Percentile(0.5), nanoseconds(50));
  EXPECT_EQ(histogram.Percentile(0.99), nanoseconds(99));
  EXPECT_EQ(histogram.Percentile(0.999), nanoseconds(100));
  EXPECT_EQ(histogram.Percentile(1), nanoseconds(100));
  EXPECT_EQ(histogram.Mean(), nanoseconds(51)) << "50.5, rounded";
}

TEST(HistogramTest, PercentilesAreWithinOnePercentOfTheExactOnes) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> latency(std::log(3e6), 1.5);
  Histogram histogram;
  std::vector<int64_t> exact;
  for (int i = 0; i < 20'000; ++i) {
    exact.push_back(static_cast<int64_t>(latency(random)));
    histogram.Add(nanoseconds(exact.back()));
  }
  std::sort(exact.begin(), exact.end());
  for (const double share : {0.001, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(exact.size())));
    const auto expected = static_cast<double>(exact[rank - 1]);
    const auto actual = static_cast<double>(histogram.Percentile(share).count());
    EXPECT_GE(actual, expected) << share;
    EXPECT_LE(actual, expected * 1.01) << share;
  }
  EXPECT_EQ(histogram.max().count(), exact.back());
}

TEST(HistogramTest, TakesWhateverADurationCanBe) {
  Histogram histogram;
  histogram.Add(nanoseconds(-5));
  histogram.Add(nanoseconds::max());
  EXPECT_EQ(histogram.Percentile(0.5), nanoseconds(0));
  EXPECT_EQ(histogram.Percentile(1), nanoseconds::max());
  EXPECT_EQ(histogram.count(), 2u);
}

TEST(HistogramTest, ALongTailDoesNotMoveTheMedian) {
  Histogram histogram;
  for (int i = 0; i < 1000; ++i) histogram.Add(microseconds(100));
  histogram.Add(hours(1));
  EXPECT_NEAR(static_cast<double>(histogram.Percentile(0.5).count()), 100e3, 1e3);
  EXPECT_EQ(histogram.Percentile(1), hours(1));
}

}  // namespace
}  // namespace beak::bench
