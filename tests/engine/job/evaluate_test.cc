#include "engine/job/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/onednn/backend.h"
#include "tests/engine/job/small_jobs.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using testing::Parse;
using testing::PictureJob;
using testing::PipelineOf;
using testing::SmallJob;
using testing::StatusIs;

absl::StatusOr<Evaluation> Measure(const SmallJob& job, bool confusion = true) {
  EvaluateOptions options;
  options.confusion = confusion;
  return Evaluate(job.network, job.plan, job.data.held_out, CpuBackend(), options);
}

// x itself, as scores of three classes.
SmallJob ScoresJob() {
  SmallJob job;
  job.network = Parse("graph g\ninput x float32 [n, 3]\ny = Identity(x)\noutput y");
  job.data.held_out = PipelineOf({{"x", Tensor::Of<float>({5, 3}, {9, 0, 0, 0, 9, 0, 0, 9, 0, 0, 0, 9, 9, 0, 0})},
                                  {"label", Tensor::Of<int64_t>({5}, {0, 1, 2, 2, 2})}});
  job.plan.trainer.training.losses = {{"y"}};
  job.plan.trainer.row_shapes = {{3}};
  job.plan.input_fields = {0};
  job.plan.target_fields = {1};
  job.plan.classes = ClassTarget{0, 3, {"a", "b", "c"}};
  job.plan.loading.batch_size = 2;
  return job;
}

TEST(EvaluateTest, CountsWhatEachClassWasCalled) {
  const SmallJob job = ScoresJob();
  ASSERT_OK_AND_ASSIGN(const Evaluation evaluation, Measure(job));
  EXPECT_EQ(evaluation.scores.samples(), 5);
  EXPECT_DOUBLE_EQ(evaluation.scores.accuracy(), 0.6);
  const double right = std::log(std::exp(9.0) + 2) - 9, wrong = right + 9;
  EXPECT_NEAR(evaluation.scores.loss(), (3 * right + 2 * wrong) / 5, 1e-5);
  v1::TrainResult result;
  Describe(evaluation, job.plan, result);
  EXPECT_THAT(result.confusion(), ElementsAre(1, 0, 0, 0, 1, 0, 1, 1, 1));
  ASSERT_EQ(result.class_score_size(), 3);
  EXPECT_EQ(result.class_score(2).name(), "c");
  EXPECT_EQ(result.class_score(2).support(), 3);
  EXPECT_DOUBLE_EQ(result.class_score(2).recall(), 1.0 / 3);
  EXPECT_DOUBLE_EQ(result.class_score(0).precision(), 0.5);
}

TEST(EvaluateTest, BatchesMakeNoDifference) {
  SmallJob job = PictureJob();
  job.plan.loading.batch_size = 1000;
  ASSERT_OK_AND_ASSIGN(const Evaluation whole, Measure(job));
  for (const int64_t rows : {1, 2, 3, 7}) {
    job.plan.loading.batch_size = rows;
    ASSERT_OK_AND_ASSIGN(const Evaluation parts, Measure(job));
    EXPECT_EQ(parts.scores.accuracy(), whole.scores.accuracy());
    EXPECT_NEAR(parts.scores.loss(), whole.scores.loss(), 1e-6) << rows;
  }
}

TEST(EvaluateTest, ConfusionIsForWhoAsks) {
  ASSERT_OK_AND_ASSIGN(const Evaluation evaluation, Measure(ScoresJob(), false));
  EXPECT_FALSE(evaluation.confusion.has_value());
  v1::TrainResult result;
  Describe(evaluation, ScoresJob().plan, result);
  EXPECT_EQ(result.held_out().samples(), 5);
  EXPECT_EQ(result.confusion_size(), 0);
}

TEST(EvaluateTest, ClassesOfEachPositionHaveALossOnly) {
  SmallJob job;
  job.network =
      Parse("graph g\ninput x float32 [n, 2, 4, 4]\nconst w float32 [5, 2, 1, 1] = fill 1.0\nc = Conv(x, w)\noutput c");
  std::vector<int64_t> masks(6 * 16);
  for (size_t i = 0; i < masks.size(); ++i) masks[i] = static_cast<int64_t>(i % 5);
  job.data.held_out =
      PipelineOf({{"x", testing::RandomTensor({6, 2, 4, 4}, 1)}, {"mask", Tensor::Of<int64_t>({6, 4, 4}, masks)}});
  job.plan.trainer.training.losses = {{"c"}};
  job.plan.trainer.row_shapes = {{2, 4, 4}};
  job.plan.input_fields = {0};
  job.plan.target_fields = {1};
  job.plan.loading.batch_size = 4;
  ASSERT_OK_AND_ASSIGN(const Evaluation evaluation, Measure(job));
  EXPECT_NEAR(evaluation.scores.loss(), std::log(5), 1e-5) << "all classes have the same score";
  EXPECT_FALSE(evaluation.scores.has_accuracy());
  EXPECT_FALSE(evaluation.confusion.has_value());
}

// Two inputs in another order than the fields, a class and a number as targets.
TEST(EvaluateTest, AnyNumberOfInputsAndLosses) {
  SmallJob job;
  job.network = Parse(
      "graph g\ninput a float32 [n, 2]\ninput b float32 [n, 2]\ny = Sub(a, b)\nz = Add(a, b)\noutput y\noutput z");
  job.data.held_out = PipelineOf({{"class", Tensor::Of<int64_t>({2}, {1, 1})},
                                  {"b", Tensor::Of<float>({2, 2}, {0, 0, 0, 0})},
                                  {"sum", Tensor::Of<float>({2, 2}, {1, 3, 3, 1})},
                                  {"a", Tensor::Of<float>({2, 2}, {1, 3, 3, 1})}});
  job.plan.trainer.training.losses = {{.output = "z", .kind = Loss::Kind::kMeanSquaredError},
                                      {.output = "y", .weight = 2}};
  job.plan.trainer.row_shapes = {{2}, {2}};
  job.plan.input_fields = {3, 1};
  job.plan.target_fields = {2, 0};
  job.plan.classes = ClassTarget{1, 2, {}};
  ASSERT_OK_AND_ASSIGN(const Evaluation evaluation, Measure(job));
  EXPECT_DOUBLE_EQ(evaluation.scores.accuracy(), 0.5);
  const double right = std::log(1 + std::exp(-2.0)), wrong = right + 2;
  EXPECT_NEAR(evaluation.scores.loss(), 2 * (right + wrong) / 2, 1e-5) << "the numbers are met";
  v1::TrainResult result;
  Describe(evaluation, job.plan, result);
  EXPECT_EQ(result.class_score(1).name(), "1") << "classes without names are called by their number";
}

TEST(EvaluateTest, StopsWhenAsked) {
  const SmallJob job = ScoresJob();
  int asked = 0;
  EvaluateOptions options;
  options.stop = [&] { return ++asked == 2; };
  EXPECT_THAT(Evaluate(job.network, job.plan, job.data.held_out, CpuBackend(), options),
              StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace beak
