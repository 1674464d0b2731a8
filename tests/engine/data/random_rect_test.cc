#include "engine/data/random_rect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::StatusIs;
using ::testing::HasSubstr;

TEST(RandomRectTest, AreaRatioAndPlaceAreAsAsked) {
  Rng rng(1);
  constexpr int kDraws = 10'000;
  double area = 0;
  double log_ratio = 0;
  double left = 0;
  for (int i = 0; i < kDraws; ++i) {
    const std::optional<Rect> rect = DrawRect(1000, 1000, {0.1, 0.3, 0.5, 2}, rng);
    ASSERT_TRUE(rect.has_value());
    ASSERT_TRUE(rect->y >= 0 && rect->x >= 0 && rect->y + rect->height <= 1000 && rect->x + rect->width <= 1000);
    const double height = static_cast<double>(rect->height);
    const double width = static_cast<double>(rect->width);
    // Sides are rounded to whole pixels of at least 223: 0.3 %.
    EXPECT_GT(height * width, 1e5 * 0.997);
    EXPECT_LT(height * width, 3e5 * 1.003);
    EXPECT_GT(width / height, 0.5 * 0.995);
    EXPECT_LT(width / height, 2 * 1.005);
    area += height * width / 1e6;
    log_ratio += std::log(width / height);
    left += rect->width < 1000 ? static_cast<double>(rect->x) / (1000 - width) : 0.5;
  }
  // Means within five standard errors of those of the uniform distributions.
  EXPECT_NEAR(area / kDraws, 0.2, 5 * 0.2 / std::sqrt(12.0 * kDraws));
  EXPECT_NEAR(log_ratio / kDraws, 0, 5 * 2 * std::log(2) / std::sqrt(12.0 * kDraws));
  EXPECT_NEAR(left / kDraws, 0.5, 5 / std::sqrt(12.0 * kDraws));
}

TEST(RandomRectTest, WhatNeverFitsIsNone) {
  Rng rng(1);
  EXPECT_FALSE(DrawRect(10, 1000, {0.9, 1, 0.75, 1.25}, rng).has_value());
  EXPECT_FALSE(DrawRect(10, 10, {0, 0, 1, 1}, rng).has_value());
}

TEST(RandomRectTest, TheWholeFits) {
  Rng rng(1);
  const std::optional<Rect> rect = DrawRect(7, 7, {1, 1, 1, 1}, rng);
  ASSERT_TRUE(rect.has_value());
  EXPECT_TRUE(rect->y == 0 && rect->x == 0 && rect->height == 7 && rect->width == 7);
}

TEST(RandomRectTest, RangesAreChecked) {
  EXPECT_OK(CheckRange({0.1, 0.1, 1, 1}));
  for (const RectRange& range :
       {RectRange{-0.1, 1, 1, 1}, RectRange{0.5, 0.4, 1, 1}, RectRange{0, 1.1, 1, 1}, RectRange{NAN, 1, 1, 1}}) {
    EXPECT_THAT(CheckRange(range), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("areas")));
  }
  for (const RectRange& range :
       {RectRange{0, 1, 0, 1}, RectRange{0, 1, 2, 1}, RectRange{0, 1, 1, INFINITY}, RectRange{0, 1, 1e-320, 1}}) {
    EXPECT_THAT(CheckRange(range), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("ratios")));
  }
}

}  // namespace
}  // namespace beak::data
