#include "server/jobs/gate.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "engine/base/check.h"

namespace beak {
namespace {

using ::testing::HasSubstr;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  BEAK_CHECK(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

// The reason, or "publish".
std::string Decide(const std::string& publish, const std::string& result, int64_t serving_version = 3) {
  const GateDecision decision =
      DecidePublish(Parse<v1::Publish>(publish), Parse<v1::TrainResult>(result), serving_version);
  EXPECT_EQ(decision.publish, decision.reason.empty());
  return decision.publish ? "publish" : decision.reason;
}

constexpr const char* kScores = "held_out { samples: 100 loss: 0.25 accuracy: 0.9541 top5_accuracy: 0.99 }";
constexpr const char* kLossOnly = "held_out { samples: 100 loss: 0.25 }";

TEST(GateTest, AlwaysPublishesWhateverCameOut) {
  EXPECT_EQ(Decide("", ""), "publish");
  EXPECT_EQ(Decide("when: ALWAYS", "held_out { samples: 9 loss: nan }"), "publish");
}

TEST(GateTest, NeverSaysSo) { EXPECT_EQ(Decide("when: NEVER", kScores), "publish.when is NEVER"); }

TEST(GateTest, AMetricIsHeldAgainstItsLimit) {
  EXPECT_EQ(Decide("when: METRIC metric: ACCURACY at_least: 0.95", kScores), "publish");
  EXPECT_EQ(Decide("when: METRIC metric: ACCURACY at_least: 0.9541", kScores), "publish");
  EXPECT_EQ(Decide("when: METRIC metric: ACCURACY at_least: 0.97", kScores), "accuracy 0.9541 is below 0.97");
  EXPECT_EQ(Decide("when: METRIC metric: TOP5_ACCURACY at_least: 0.97", kScores), "publish");
  EXPECT_EQ(Decide("when: METRIC metric: TOP5_ACCURACY at_least: 0.995", kScores),
            "top-5 accuracy 0.99 is below 0.995");
  EXPECT_EQ(Decide("when: METRIC metric: LOSS at_most: 0.25", kScores), "publish");
  EXPECT_EQ(Decide("when: METRIC metric: LOSS at_most: 0.2", kScores), "loss 0.25 is above 0.2");
}

TEST(GateTest, BothLimitsHold) {
  EXPECT_EQ(Decide("when: METRIC metric: LOSS at_least: 0.1 at_most: 0.3", kScores), "publish");
  EXPECT_EQ(Decide("when: METRIC metric: LOSS at_least: 0.3 at_most: 0.4", kScores), "loss 0.25 is below 0.3");
}

TEST(GateTest, TheDefaultMetricIsAccuracyWhereThereAreClasses) {
  EXPECT_EQ(Decide("when: METRIC at_least: 0.97", kScores), "accuracy 0.9541 is below 0.97");
  EXPECT_EQ(Decide("when: METRIC at_most: 0.2", kLossOnly), "loss 0.25 is above 0.2");
}

TEST(GateTest, WhatWasNotMeasuredIsNotPublished) {
  EXPECT_EQ(Decide("when: METRIC metric: ACCURACY at_least: 0", kLossOnly), "accuracy was not measured");
  EXPECT_EQ(Decide("when: METRIC metric: TOP5_ACCURACY at_least: 0", kLossOnly), "top-5 accuracy was not measured");
  EXPECT_EQ(Decide("when: METRIC metric: LOSS at_most: 9", ""), "nothing was held out to measure it with");
}

TEST(GateTest, AMetricWithoutALimitIsNotPublished) {
  EXPECT_EQ(Decide("when: METRIC metric: LOSS", kScores), "publish names no limit");
}

TEST(GateTest, WhatIsNoNumberIsNotPublished) {
  EXPECT_EQ(Decide("when: METRIC metric: LOSS at_most: 9", "held_out { samples: 9 loss: nan }"), "loss is no number");
  EXPECT_EQ(Decide("when: METRIC metric: LOSS at_most: nan", kScores), "loss 0.25 is above nan");
}

TEST(GateTest, BetterThanNothingIsPublished) {
  EXPECT_EQ(Decide("when: BETTER_THAN_SERVING", kScores, 0), "publish");
  // What was compared with something that is gone is not held back by it.
  EXPECT_EQ(Decide("when: BETTER_THAN_SERVING", "comparison { difference: -0.1 lower_bound: -0.2 }", 0), "publish");
}

TEST(GateTest, BetterIsWhatIsShownToBeBetter) {
  EXPECT_EQ(Decide("when: BETTER_THAN_SERVING", "comparison { difference: 0.02 lower_bound: 0.0001 confidence: 0.95 }"),
            "publish");
  EXPECT_EQ(
      Decide("when: BETTER_THAN_SERVING", "comparison { difference: 0.0012 lower_bound: -0.0031 confidence: 0.95 }"),
      "not shown to be better than version 3: difference of accuracies +0.0012, at least -0.0031 with confidence "
      "0.95");
  EXPECT_THAT(Decide("when: BETTER_THAN_SERVING", "comparison { difference: 0 lower_bound: 0 confidence: 0.95 }", 7),
              HasSubstr("better than version 7"));
  EXPECT_THAT(Decide("when: BETTER_THAN_SERVING", "comparison { difference: nan lower_bound: nan }"),
              HasSubstr("not shown to be better"));
}

TEST(GateTest, WithoutAComparisonNothingIsShown) {
  EXPECT_EQ(Decide("when: BETTER_THAN_SERVING", kScores), "not compared with version 3");
}

TEST(GateTest, WhatALaterProgramMeansIsNotPublished) {
  EXPECT_EQ(Decide("when: 9", kScores), "publish.when is unknown: 9");
  EXPECT_EQ(Decide("when: METRIC metric: 9 at_least: 0", kScores), "metric was not measured");
}

}  // namespace
}  // namespace beak
