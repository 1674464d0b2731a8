#include "engine/train/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::testing::HasSubstr;

TEST(MetricsTest, LossIsWeightedBySamples) {
  MeanLoss loss;
  EXPECT_EQ(loss.mean(), 0);
  loss.Add(2, 64);
  loss.Add(1, 64);
  loss.Add(8, 16);  // the short last batch
  EXPECT_DOUBLE_EQ(loss.mean(), (128.0 + 64 + 128) / 144);
  EXPECT_EQ(loss.weight(), 144);
}

TEST(MetricsTest, RanksByScoreThenByIndex) {
  const std::vector<float> scores = {0.1f, 0.7f, 0.1f, 0.1f};
  EXPECT_EQ(BestClass(scores), 1);
  EXPECT_EQ(RankOf(scores, 1), 0);
  EXPECT_EQ(RankOf(scores, 0), 1);
  EXPECT_EQ(RankOf(scores, 2), 2);
  EXPECT_EQ(RankOf(scores, 3), 3);
}

TEST(MetricsTest, NanStandsBelowEverything) {
  const float nan = std::nanf("");
  const std::vector<float> scores = {nan, -HUGE_VALF, nan, 0};
  EXPECT_EQ(BestClass(scores), 3);
  EXPECT_EQ(RankOf(scores, 1), 1);
  EXPECT_EQ(RankOf(scores, 0), 2);
  EXPECT_EQ(RankOf(scores, 2), 3);
}

// A model that says the same of everything must not look good.
TEST(MetricsTest, EqualScoresAreRightForFewClasses) {
  TopKAccuracy top1(1);
  TopKAccuracy top5(5);
  const std::vector<float> scores(10, 0.1f);
  for (int64_t label = 0; label < 10; ++label) {
    top1.Add(scores, label);
    top5.Add(scores, label);
  }
  EXPECT_EQ(top1.value(), 0.1);
  EXPECT_EQ(top5.value(), 0.5);
  EXPECT_EQ(top5.count(), 10);
}

TEST(MetricsTest, TopKOfFewerClassesIsAlwaysRight) {
  TopKAccuracy top5(5);
  EXPECT_EQ(top5.value(), 0);
  top5.Add(std::vector<float>{1, 2, 3}, 0);
  EXPECT_EQ(top5.value(), 1);
}

// Labels 0 0 0 0 1 1 2 called 0 0 0 1 1 0 1; class 3 is in neither.
TEST(MetricsTest, ReportPerClass) {
  ASSERT_OK_AND_ASSIGN(ConfusionMatrix matrix, ConfusionMatrix::Create(4));
  EXPECT_EQ(matrix.accuracy(), 0);
  const std::vector<int64_t> labels = {0, 0, 0, 0, 1, 1, 2};
  const std::vector<int64_t> called = {0, 0, 0, 1, 1, 0, 1};
  for (size_t i = 0; i < labels.size(); ++i) matrix.Add(labels[i], called[i]);
  EXPECT_EQ(matrix.count(0, 0), 3);
  EXPECT_EQ(matrix.count(0, 1), 1);
  EXPECT_EQ(matrix.count(1, 0), 1);
  EXPECT_EQ(matrix.count(2, 1), 1);
  EXPECT_DOUBLE_EQ(matrix.accuracy(), 4.0 / 7);
  const std::vector<ClassReport> report = matrix.Report();
  ASSERT_EQ(report.size(), 4u);
  EXPECT_EQ(report[0].support, 4);
  EXPECT_DOUBLE_EQ(report[0].precision, 0.75);
  EXPECT_DOUBLE_EQ(report[0].recall, 0.75);
  EXPECT_DOUBLE_EQ(report[0].f1, 0.75);
  EXPECT_DOUBLE_EQ(report[1].precision, 1.0 / 3);
  EXPECT_DOUBLE_EQ(report[1].recall, 0.5);
  EXPECT_DOUBLE_EQ(report[1].f1, 0.4);
  EXPECT_EQ(report[2].support, 1);
  EXPECT_EQ(report[2].precision, 0);
  EXPECT_EQ(report[2].f1, 0);
  EXPECT_EQ(report[3].support, 0);
  EXPECT_EQ(report[3].recall, 0);
  EXPECT_EQ(report[3].f1, 0);
}

TEST(MetricsTest, ConfusionMatricesHaveALimit) {
  EXPECT_THAT(ConfusionMatrix::Create(0).status(), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got 0")));
  EXPECT_THAT(ConfusionMatrix::Create(int64_t{1} << 40).status(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("expected at most 4096 classes")));
}

}  // namespace
}  // namespace beak
