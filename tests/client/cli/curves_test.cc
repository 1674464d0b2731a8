#include "client/cli/curves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace beak::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Labels(const Axis& axis) {
  std::vector<std::string> labels;
  for (const double tick : axis.Ticks()) labels.push_back(axis.Label(tick));
  return labels;
}

TEST(CurvesTest, AxesHaveRoundTicks) {
  EXPECT_THAT(Labels(RoundAxis(0.03, 2.3, 6)), ElementsAre("0.0", "0.5", "1.0", "1.5", "2.0", "2.5"));
  EXPECT_THAT(Labels(RoundAxis(0.912, 0.991, 6)), ElementsAre("0.90", "0.92", "0.94", "0.96", "0.98", "1.00"));
  EXPECT_THAT(Labels(RoundAxis(-3, 17, 5)), ElementsAre("-10", "0", "10", "20"));
  EXPECT_THAT(Labels(RoundAxis(0, 1, 11)),
              ElementsAre("0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0"));
  EXPECT_THAT(Labels(RoundAxis(1, 5, 11, 1)), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_THAT(Labels(RoundAxis(1, 40, 11, 1)), ElementsAre("0", "5", "10", "15", "20", "25", "30", "35", "40"));
  EXPECT_THAT(Labels(RoundAxis(0, 3e7, 4)), ElementsAre("0", "1e+07", "2e+07", "3e+07"));
}

TEST(CurvesTest, AxesHoldAllThatIsToBeDrawn) {
  const double values[] = {0,    1e-12, 1e-3, 0.1, 0.29999999999999999, 1, 1.0000000000000002, 7, 123.456,
                           1e15, 1e300, -1,   -5e7};
  for (const double low : values) {
    for (const double high : values) {
      if (high < low) continue;
      for (const int most : {3, 5, 11}) {
        const Axis axis = RoundAxis(low, high, most);
        const std::vector<double> ticks = axis.Ticks();
        EXPECT_GE(ticks.size(), 2u) << low << " " << high;
        EXPECT_LE(ticks.size(), static_cast<size_t>(most)) << low << " " << high;
        EXPECT_LT(axis.low, axis.high) << low << " " << high;
        if (high > 1e30) continue;  // is not drawn to scale
        EXPECT_GE(axis.Place(low), -1e-6) << low << " " << high;
        EXPECT_LE(axis.Place(high), 1 + 1e-6) << low << " " << high;
      }
    }
  }
}

TEST(CurvesTest, ValuesThatAreOneHaveAnAxis) {
  EXPECT_THAT(Labels(RoundAxis(1, 1, 3)), ElementsAre("0.90", "0.95", "1.00")) << "accuracies end at 1";
  EXPECT_THAT(Labels(RoundAxis(0, 0, 3)), ElementsAre("0.0", "0.5", "1.0"));
  EXPECT_THAT(Labels(RoundAxis(1, 1, 11, 1)), ElementsAre("1", "2"));
}

TEST(CurvesTest, WhatIsNotKnownIsNoCurve) {
  v1::TrainJob job;
  EXPECT_THAT(CurvesOf(job).loss, IsEmpty());
  job.add_epoch()->mutable_training()->set_loss(2);
  job.add_epoch()->mutable_training()->set_loss(1);
  job.mutable_epoch(1)->set_epoch(1);
  Curves curves = CurvesOf(job);
  ASSERT_EQ(curves.loss.size(), 1u);
  EXPECT_EQ(curves.loss[0].name, "training");
  EXPECT_EQ(curves.loss[0].points[1].x, 2) << "epochs are counted from 1";
  EXPECT_EQ(curves.loss[0].points[1].y, 1);
  EXPECT_THAT(curves.accuracy, IsEmpty());
  job.mutable_epoch(1)->mutable_held_out()->set_accuracy(0.5);
  curves = CurvesOf(job);
  EXPECT_EQ(curves.loss[1].name, "held-out");
  EXPECT_EQ(curves.loss[1].points.size(), 1u);
  ASSERT_EQ(curves.accuracy.size(), 1u);
  EXPECT_EQ(curves.accuracy[0].name, "held-out");
}

TEST(CurvesTest, RangesAreOfWhatIsFinite) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<Curve> curves = {{"a", {{1, 3}, {2, std::nan("")}, {3, kInfinity}}},
                                     {"b", {{9, -kInfinity}, {2, 1}}}};
  EXPECT_EQ(RangeOfY(curves).low, 1);
  EXPECT_EQ(RangeOfY(curves).high, 3);
  EXPECT_EQ(RangeOfX(curves).high, 9);
  EXPECT_EQ(RangeOfY({{"nan", {{1, std::nan("")}}}}).high, 1) << "0 to 1 where nothing is";
}

}  // namespace
}  // namespace beak::cli
