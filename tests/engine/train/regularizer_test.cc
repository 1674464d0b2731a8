#include "engine/train/regularizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/rng.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RegularizerTest, Penalty) {
  const std::vector<float> weight = {1, -2, 0, 3};
  EXPECT_DOUBLE_EQ(PenaltyOf({.l1 = 0.1}, weight), 0.6);
  EXPECT_DOUBLE_EQ(PenaltyOf({.l2 = 0.1}, weight), 1.4);
  EXPECT_DOUBLE_EQ(PenaltyOf({0.1, 0.1}, weight), 2);
}

TEST(RegularizerTest, GradientIsAddedToWhatIsThere) {
  const std::vector<float> weight = {1, -2, 0};
  std::vector<float> gradient = {10, 20, 30};
  AddPenaltyGradient({0.5, 0.25}, weight, gradient);
  EXPECT_THAT(gradient, ElementsAre(11, 18.5f, 30));
}

// Differences of the penalty itself: quadratic, so that central ones are exact but for float32's steps of the weights.
TEST(RegularizerTest, GradientIsThatOfThePenalty) {
  const WeightPenalty penalty = {0.3, 0.7};
  std::vector<float> weight = {0.5f, -1.25f, 2};
  std::vector<float> gradient(3, 0.0f);
  AddPenaltyGradient(penalty, weight, gradient);
  for (size_t i = 0; i < weight.size(); ++i) {
    std::vector<float> up = weight;
    std::vector<float> down = weight;
    up[i] += 0x1p-10f;
    down[i] -= 0x1p-10f;
    EXPECT_NEAR((PenaltyOf(penalty, up) - PenaltyOf(penalty, down)) / 0x1p-9, gradient[i], 1e-6);
  }
}

TEST(RegularizerTest, OnlyUnitsAboveTheNormAreScaled) {
  std::vector<float> rows = {3, 4, 0.3f, 0.4f};
  LimitUnitNorms(2.5, {2, 2}, 0, rows);
  EXPECT_THAT(rows, ElementsAre(1.5f, 2, 0.3f, 0.4f));
  std::vector<float> columns = {3, 0.3f, 4, 0.4f};
  LimitUnitNorms(2.5, {2, 2}, 1, columns);
  EXPECT_THAT(columns, ElementsAre(1.5f, 0.3f, 2, 0.4f));
}

TEST(RegularizerTest, UnitsOfAConvolutionAndOfATransposedOne) {
  const Shape shape = {4, 5, 3, 2};
  const Shape strides = Strides(shape);
  for (const int axis : {0, 1}) {
    Rng rng(5);
    std::vector<float> weight(120);
    for (float& w : weight) w = static_cast<float>(rng.Normal());
    LimitUnitNorms(3, shape, axis, weight);
    std::vector<double> squares(static_cast<size_t>(shape[static_cast<size_t>(axis)]), 0.0);
    for (int64_t i = 0; i < 120; ++i) {
      const int64_t unit = i / strides[static_cast<size_t>(axis)] % shape[static_cast<size_t>(axis)];
      squares[static_cast<size_t>(unit)] += double{weight[static_cast<size_t>(i)]} * weight[static_cast<size_t>(i)];
    }
    // Of 24 or 30 standard normal weights each: every unit was above 3, to which float32 brings it back.
    for (const double square : squares) EXPECT_NEAR(std::sqrt(square), 3, 1e-6) << "axis " << axis;
  }
}

TEST(RegularizerTest, NothingIsNothing) {
  std::vector<float> none;
  LimitUnitNorms(1, {0, 3}, 0, none);
  LimitUnitNorms(1, {3, 0}, 0, none);
  EXPECT_EQ(PenaltyOf({1, 1}, none), 0);
}

TEST(RegularizerTest, EveryWrongFieldIsNamed) {
  EXPECT_THAT(Validate(WeightPenalty{0, 1e-4}), IsEmpty());
  EXPECT_THAT(Validate(WeightPenalty{-1, HUGE_VAL}),
              ElementsAre("l1: expected a number in [0, 1e30], got -1", "l2: expected a number in [0, 1e30], got inf"));
}

}  // namespace
}  // namespace beak
