#include "engine/job/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/onednn/backend.h"
#include "engine/train/paired_comparison.h"
#include "tests/engine/job/small_jobs.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::Parse;
using testing::PipelineOf;
using testing::SmallJob;
using testing::StatusIs;

// Labels are in x twice: where the first three numbers say them, and where the last three do.
SmallJob TwoOpinions() {
  SmallJob job;
  job.network = Parse(
      "graph g\ninput x float32 [n, 6]\nconst w float32 [6, 3] = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, "
      "0}\ny = MatMul(x, w)\np = Softmax(y)\noutput p");
  const std::vector<float> x = {9, 0, 0, 9, 0, 0,   // both right
                                0, 9, 0, 9, 0, 0,   // the first is
                                0, 9, 0, 9, 0, 0,   // likewise
                                0, 0, 9, 0, 9, 0,   // the second is
                                0, 0, 9, 0, 0, 9};  // neither
  job.data.held_out =
      PipelineOf({{"label", Tensor::Of<int64_t>({5}, {0, 1, 1, 1, 0})}, {"x", Tensor::Of<float>({5, 6}, x)}});
  job.plan.trainer.training.losses = {{"p"}};
  job.plan.trainer.row_shapes = {{6}};
  job.plan.input_fields = {1};
  job.plan.target_fields = {0};
  job.plan.classes = ClassTarget{0, 3, {}};
  job.plan.loading.batch_size = 2;
  return job;
}

Graph Other(const std::string& input = "input picture float32 [n, 6]") {
  return Parse("graph g\n" + input +
               "\nconst w float32 [6, 3] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1}\n"
               "scores = MatMul(picture, w)\noutput scores");
}

TEST(CompareTest, CountsWhoWasRight) {
  const SmallJob job = TwoOpinions();
  for (const char* input : {"input picture float32 [n, 6]", "input picture float32 [1, 6]"}) {
    ASSERT_OK(CheckComparable(job.network, Other(input), job.plan));
    ASSERT_OK_AND_ASSIGN(const v1::Comparison comparison,
                         Compare(job.network, Other(input), job.plan, job.data.held_out, 0.9, CpuBackend()));
    EXPECT_EQ(comparison.both_right(), 1);
    EXPECT_EQ(comparison.only_new_right(), 2);
    EXPECT_EQ(comparison.only_old_right(), 1);
    EXPECT_EQ(comparison.both_wrong(), 1);
    EXPECT_DOUBLE_EQ(comparison.difference(), 0.2);
    EXPECT_DOUBLE_EQ(comparison.lower_bound(), AccuracyDifferenceLowerBound({1, 2, 1, 1}, 0.9));
    EXPECT_EQ(comparison.confidence(), 0.9);
  }
}

TEST(CompareTest, ANetworkIsAsGoodAsItself) {
  const SmallJob job = testing::PictureJob();
  ASSERT_OK_AND_ASSIGN(const v1::Comparison comparison,
                       Compare(job.network, job.network, job.plan, job.data.held_out, 0.95, CpuBackend()));
  EXPECT_EQ(comparison.both_right() + comparison.both_wrong(), 7);
  EXPECT_EQ(comparison.difference(), 0);
}

TEST(CompareTest, SaysWhyNetworksCannotBeCompared) {
  SmallJob job = TwoOpinions();
  const struct {
    const char* network;
    const char* expected;
  } cases[] = {
      {"graph g\ninput x float32 [n, 6]\ninput z float32 [n, 6]\ny = Add(x, z)\noutput y", "expected 1 inputs, got 2"},
      {"graph g\ninput x float32 [n, 5]\nconst w float32 [5, 3] = fill 1.0\ny = MatMul(x, w)\noutput y",
       "input 'x': expected float32 [n, 6], got float32 [n, 5]"},
      {"graph g\ninput x int64 [n, 6]\ny = Cast(x) {to = \"float32\"}\noutput y", "got int64 [n, 6]"},
      {"graph g\ninput x float32 [n, 6]\nconst w float32 [6, 4] = fill 1.0\ny = MatMul(x, w)\noutput y",
       "output 'y': expected float32 scores of 3 classes, got float32 [1, 4]"},
      {"graph g\ninput x float32 [n, 6]\ny = Relu(x)\nz = Abs(x)\noutput y\noutput z", "expected an output 'p'"},
  };
  for (const auto& one : cases) {
    EXPECT_THAT(CheckComparable(job.network, Parse(one.network), job.plan),
                StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(one.expected)));
  }
  job.plan.classes.reset();
  EXPECT_THAT(CheckComparable(job.network, Other(), job.plan),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("with classes")));
}

}  // namespace
}  // namespace beak
