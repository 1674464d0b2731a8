#include "engine/base/rng.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <vector>

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Lt;

// The authors' known-answer vectors (Random123, kat_vectors, "philox4x32 10").
TEST(PhiloxTest, KnownAnswers) {
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  constexpr uint32_t kOnes = 0xffffffff;
  EXPECT_THAT(Philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

// The first words of seed 0 are the first vector above: they must never change, or no run can be repeated.
TEST(RngTest, ASeedsWordsAreTheFunctionsBlocks) {
  Rng rng(0);
  EXPECT_EQ(rng.Next(), 0xe169c58d6627e8d5u);
  EXPECT_EQ(rng.Next(), 0x9b00dbd8bc57ac4cu);
}

TEST(RngTest, AStateGoesOnWhereItWas) {
  for (int drawn = 0; drawn < 5; ++drawn) {
    Rng rng(7);
    for (int i = 0; i < drawn; ++i) rng.Next();
    Rng restored(rng.state());
    for (int i = 0; i < 5; ++i) EXPECT_EQ(restored.Next(), rng.Next()) << drawn << " " << i;
    EXPECT_EQ(restored.state(), rng.state());
  }
}

TEST(RngTest, AForkDependsOnItsNumberOnly) {
  Rng rng(7);
  const Rng before = rng.Fork(3);
  rng.Next();
  EXPECT_EQ(rng.Fork(3).state(), before.state());
  std::vector<uint64_t> firsts;
  for (uint64_t i = 0; i < 100; ++i) firsts.push_back(rng.Fork(i).Next());
  firsts.push_back(rng.Fork(3).Fork(3).Next());
  firsts.push_back(Rng(8).Fork(3).Next());
  std::sort(firsts.begin(), firsts.end());
  EXPECT_EQ(std::unique(firsts.begin(), firsts.end()), firsts.end());
}

// Of 100 000 uniforms: mean 1/2 and variance 1/12 within five standard errors.
TEST(RngTest, UniformsFillTheirInterval) {
  Rng rng(1);
  std::vector<double> values(100'000);
  for (double& value : values) value = rng.Uniform();
  EXPECT_THAT(values, Each(AllOf(Ge(0.0), Lt(1.0))));
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
    squares += (value - 0.5) * (value - 0.5);
  }
  EXPECT_NEAR(sum / 1e5, 0.5, 5 * std::sqrt(1.0 / 12 / 1e5));
  EXPECT_NEAR(squares / 1e5, 1.0 / 12, 5 * std::sqrt(1.0 / 180 / 1e5));
  EXPECT_EQ(rng.Uniform(2, 2), 2);
}

TEST(RngTest, BelowIsEvenlySpread) {
  Rng rng(2);
  std::map<uint64_t, int> counts;
  for (int i = 0; i < 70'000; ++i) ++counts[rng.Below(7)];
  ASSERT_EQ(counts.size(), 7u);
  // Six standard deviations of a binomial count around 10 000.
  for (const auto& [value, count] : counts) EXPECT_NEAR(count, 10'000, 6 * std::sqrt(1e4 * 6 / 7)) << value;
  EXPECT_EQ(rng.Below(1), 0u);
}

// A range that 2^64 is no multiple of by far: taking a remainder would make the lower half twice as likely.
TEST(RngTest, BelowHasNoBias) {
  Rng rng(3);
  const uint64_t n = (uint64_t{1} << 63) + (uint64_t{1} << 62);
  int low = 0;
  for (int i = 0; i < 10'000; ++i) low += rng.Below(n) < n / 2 ? 1 : 0;
  EXPECT_NEAR(low, 5'000, 6 * std::sqrt(1e4 / 4));
}

TEST(RngTest, BernoulliKeepsItsEnds) {
  Rng rng(4);
  int hits = 0;
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_FALSE(rng.Bernoulli(0));
    EXPECT_TRUE(rng.Bernoulli(1));
    hits += rng.Bernoulli(0.2) ? 1 : 0;
  }
  EXPECT_NEAR(hits, 2'000, 6 * std::sqrt(1e4 * 0.2 * 0.8));
}

// The largest distance between the distribution of 200 000 draws and the normal one: above 1.95 / sqrt(n) once in a
// thousand seeds (Kolmogorov).
TEST(RngTest, NormalsAreNormal) {
  Rng rng(5);
  std::vector<double> values(200'000);
  for (double& value : values) value = rng.Normal();
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  double distance = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const double expected = 0.5 * std::erfc(-values[i] / std::sqrt(2.0));
    distance = std::max(distance, std::abs(expected - (static_cast<double>(i) + 0.5) / n));
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(n));
  EXPECT_GT(values.back(), 4) << "the tail is there";
}

TEST(RngTest, EveryOrderIsEquallyLikely) {
  Rng rng(6);
  std::map<std::vector<int>, int> counts;
  for (int i = 0; i < 24'000; ++i) {
    std::vector<int> values = {0, 1, 2, 3};
    rng.Shuffle(std::span<int>(values));
    ++counts[values];
  }
  ASSERT_EQ(counts.size(), 24u);
  for (const auto& [order, count] : counts)
    EXPECT_NEAR(count, 1'000, 6 * std::sqrt(1e3)) << ::testing::PrintToString(order);
}

}  // namespace
}  // namespace beak
