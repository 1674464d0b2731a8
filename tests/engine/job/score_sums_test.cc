#include "engine/job/score_sums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

JobPlan PlanOf(int64_t classes, const Loss& loss = {"p"}) {
  JobPlan plan;
  plan.trainer.training.losses = {loss};
  plan.input_fields = {1};
  plan.target_fields = {0};
  if (classes > 0) plan.classes = ClassTarget{0, classes, {}};
  return plan;
}

data::Batch BatchOf(const std::vector<int64_t>& labels) {
  const auto rows = static_cast<int64_t>(labels.size());
  return {
      {}, rows, {Tensor::Of<int64_t>({rows}, labels), Tensor::Of<float>({rows}, std::vector<float>(labels.size()))}};
}

TEST(ScoreSumsTest, SumsUpLossAndAccuracies) {
  const JobPlan plan = PlanOf(6);
  ScoreSums sums(plan);
  EXPECT_EQ(sums.Scores().samples(), 0);
  EXPECT_EQ(sums.Scores().accuracy(), 0);
  sums.Add(BatchOf({0, 1}), 2, std::vector<float>{6, 5, 4, 3, 2, 1, 6, 5, 4, 3, 2, 1});
  std::vector<int64_t> heard;
  sums.Add(BatchOf({5}), 5, std::vector<float>{6, 5, 4, 3, 2, 1}, [&](int64_t label, std::span<const float> scores) {
    heard.push_back(label);
    heard.push_back(static_cast<int64_t>(scores.size()));
  });
  const v1::Scores scores = sums.Scores();
  EXPECT_EQ(scores.samples(), 3);
  EXPECT_DOUBLE_EQ(scores.loss(), 3);
  EXPECT_DOUBLE_EQ(scores.accuracy(), 1.0 / 3);
  EXPECT_DOUBLE_EQ(scores.top5_accuracy(), 2.0 / 3);
  EXPECT_THAT(heard, ElementsAre(5, 6));
}

TEST(ScoreSumsTest, ThereAreFiveBestOnlyOfMore) {
  const JobPlan plan = PlanOf(5);
  ScoreSums sums(plan);
  sums.Add(BatchOf({4}), 1, std::vector<float>{5, 4, 3, 2, 1});
  EXPECT_TRUE(sums.Scores().has_accuracy());
  EXPECT_FALSE(sums.Scores().has_top5_accuracy());
}

TEST(ScoreSumsTest, WithoutClassesThereIsALossOnly) {
  const JobPlan plan = PlanOf(0, {.output = "y", .kind = Loss::Kind::kMeanSquaredError});
  ScoreSums sums(plan);
  sums.Add(BatchOf({7, 8}), 0.5, {});
  EXPECT_EQ(sums.Scores().loss(), 0.5);
  EXPECT_FALSE(sums.Scores().has_accuracy());
}

TEST(ScoreSumsTest, WhatIsIgnoredCountsNowhere) {
  const JobPlan plan = PlanOf(2, {.output = "p", .ignore_index = -100});
  ScoreSums sums(plan);
  sums.Add(BatchOf({1, -100, -100}), 4, std::vector<float>{0, 1, 1, 0, 0, 1});
  sums.Add(BatchOf({0, 0, 0}), 8, std::vector<float>{0, 1, 0, 1, 0, 1});
  sums.Add(BatchOf({-100, -100, -100}), 0, std::vector<float>{0, 1, 0, 1, 0, 1});
  EXPECT_EQ(sums.Scores().samples(), 9);
  EXPECT_DOUBLE_EQ(sums.Scores().loss(), (1 * 4 + 3 * 8) / 4.0);
  EXPECT_DOUBLE_EQ(sums.Scores().accuracy(), 0.25);
}

TEST(ScoreSumsTest, WeightsOfClassesWeighBatchesToo) {
  const JobPlan plan = PlanOf(2, {.output = "p", .class_weights = {1, 3}});
  ScoreSums sums(plan);
  sums.Add(BatchOf({0, 0}), 1, std::vector<float>{1, 0, 1, 0});
  sums.Add(BatchOf({1, 1}), 2, std::vector<float>{1, 0, 1, 0});
  EXPECT_DOUBLE_EQ(sums.Scores().loss(), (2 * 1 + 6 * 2) / 8.0);
}

TEST(ScoreSumsTest, GoesOnFromItsState) {
  const JobPlan plan = PlanOf(3);
  ScoreSums whole(plan), resumed(plan);
  whole.Add(BatchOf({0, 2}), 0.3, std::vector<float>{1, 0, 0, 1, 0, 0});
  ASSERT_OK(resumed.Import(whole.Export()));
  for (ScoreSums* sums : {&whole, &resumed}) sums->Add(BatchOf({1}), 0.1, std::vector<float>{0, 1, 0});
  EXPECT_EQ(resumed.Scores().SerializeAsString(), whole.Scores().SerializeAsString());
  whole.Clear();
  EXPECT_EQ(whole.Scores().SerializeAsString(), ScoreSums(plan).Scores().SerializeAsString());

  NamedState wrong = resumed.Export();
  wrong.numbers["top1"] = 0.5;
  wrong.numbers["loss"] = std::numeric_limits<double>::infinity();
  const std::string before = resumed.Scores().SerializeAsString();
  EXPECT_THAT(resumed.Import(wrong), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'top1'")));
  EXPECT_EQ(resumed.Scores().SerializeAsString(), before);
}

TEST(ToTrainingBatchTest, TakesFieldsAsThePlanSays) {
  const JobPlan plan = PlanOf(3);
  const data::Batch batch = BatchOf({1, 2});
  const TrainingBatch taken = ToTrainingBatch(plan, batch);
  EXPECT_EQ(taken.rows, 2);
  ASSERT_EQ(taken.inputs.size(), 1u);
  EXPECT_EQ(taken.inputs[0].data(), batch.tensors[1].bytes());
  ASSERT_EQ(taken.targets.size(), 1u);
  EXPECT_EQ(taken.targets[0].data(), batch.tensors[0].bytes());
  EXPECT_EQ(taken.targets[0].size(), 16u);
}

}  // namespace
}  // namespace beak
