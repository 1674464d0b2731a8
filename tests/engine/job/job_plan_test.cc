#include "engine/job/job_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "engine/data/array_source.h"
#include "engine/data/classes.h"
#include "engine/job/job_spec.h"
#include "engine/ops/op.h"
#include "proto/beak/v1/train.pb.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Parse;
using ::testing::StartsWith;
using testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

// One field of a data set: floats, or classes.
struct FieldOf {
  std::string name;
  Tensor values;
  int64_t classes = 0;
  std::vector<std::string> names = {};  // of the classes
};

data::PipelinePtr PipelineOf(const std::vector<FieldOf>& fields) {
  std::vector<data::Column> columns;
  for (const FieldOf& field : fields) columns.push_back({field.name, field.values});
  data::SourcePtr source = *data::MakeArraySource(std::move(columns));
  for (const FieldOf& field : fields) {
    if (field.classes == 0) continue;
    source = *data::WithClasses(source, field.name, {field.classes, field.names}, data::OnBadSample::kFail);
  }
  return *data::Pipeline::Create(source, {});
}

Tensor Floats(const Shape& shape) { return testing::RandomTensor(shape, 1); }
Tensor Labels(int64_t count, int64_t classes) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < count; ++i) labels.push_back(i % classes);
  return Tensor::Of<int64_t>({count}, labels);
}

// Ten pictures [2, 3, 3] of three classes.
std::vector<FieldOf> Pictures() { return {{"image", Floats({10, 2, 3, 3})}, {"label", Labels(10, 3), 3}}; }

constexpr char kClassifier[] = R"(graph g
  input x float32 [n, 2, 3, 3]
  const w1 float32 [4, 2, 3, 3] = fill 0.1
  const b1 float32 [4] = fill 0.1
  c = Conv(x, w1, b1)
  f = Flatten(c)
  const w2 float32 [4, 3] = fill 0.1
  l = MatMul(f, w2)
  y = Softmax(l)
  output y)";

class JobPlanTest : public ::testing::Test {
 protected:
  // Plans the job with this data and network.
  absl::StatusOr<JobPlan> Plan(const std::string& job, const std::vector<FieldOf>& fields = Pictures(),
                               const std::string& network = kClassifier) {
    network_ = {};
    network_.graph = Parse(network);
    EXPECT_OK(InferShapes(network_.graph));
    data_.training = data_.plain = data_.held_out = PipelineOf(fields);
    v1::TrainJobSpec spec = *ParseJob(job);
    if (spec.training().epochs() == 0) spec.mutable_training()->set_epochs(4);
    return MakeJobPlan(spec, data_, 2, network_);
  }

  // What is wrong with it.
  std::vector<std::string> Errors(const std::string& job, const std::vector<FieldOf>& fields = Pictures(),
                                  const std::string& network = kClassifier) {
    const absl::StatusOr<JobPlan> plan = Plan(job, fields, network);
    EXPECT_THAT(plan, StatusIs(kInvalid));
    return absl::StrSplit(std::string(plan.status().message()), '\n');
  }

  JobNetwork network_;
  JobData data_;
};

// ---------------------------------------------------------------- defaults and numbers

TEST_F(JobPlanTest, FillsInWhatIsLeftOpen) {
  ASSERT_OK_AND_ASSIGN(const JobPlan plan, Plan(""));
  EXPECT_THAT(plan.input_fields, ElementsAre(0));
  EXPECT_THAT(plan.target_fields, ElementsAre(1));
  ASSERT_TRUE(plan.classes.has_value());
  EXPECT_EQ(plan.classes->classes, 3);
  EXPECT_EQ(plan.loading.batch_size, 32);
  EXPECT_TRUE(plan.loading.shuffle);
  EXPECT_EQ(plan.trainer.batch_rows, 10) << "there are no more samples";
  EXPECT_EQ(plan.trainer.threads, 2);
  EXPECT_THAT(plan.trainer.row_shapes, ElementsAre(Shape{2, 3, 3}));
  EXPECT_EQ(plan.trainer.accumulated_batches, 1);
  EXPECT_EQ(plan.trainer.optimizer.kind, OptimizerKind::kAdam);
  EXPECT_EQ(plan.trainer.optimizer.flavour, Flavour::kKeras);
  EXPECT_EQ(plan.trainer.clip.kind, ClipKind::kNone);
  EXPECT_FALSE(plan.trainer.average.has_value());
  EXPECT_THAT(plan.trainer.penalties, IsEmpty());
  ASSERT_EQ(plan.trainer.training.losses.size(), 1u);
  EXPECT_EQ(plan.trainer.training.losses[0].output, "y");
  EXPECT_EQ(plan.epochs, 4);
  EXPECT_EQ(plan.batches_per_epoch, 1);
  EXPECT_EQ(plan.steps, 4);
  EXPECT_TRUE(std::holds_alternative<ConstantRate>(plan.schedule.shape));
  EXPECT_EQ(plan.schedule.base_rate, 0.001);
  EXPECT_EQ(plan.metric, JobMetric::kAccuracy);
  EXPECT_EQ(plan.checkpoint_seconds, 30);
  EXPECT_FALSE(plan.keep_best || plan.plateau || plan.early_stopping);
}

TEST_F(JobPlanTest, TakesWhatTheJobSays) {
  ASSERT_OK_AND_ASSIGN(const JobPlan plan, Plan(R"(training {
    epochs: 3 batch_size: 4 drop_last: true seed: 11 checkpoint_seconds: 5 keep_best: true metric: LOSS
    optimizer { kind: SGD flavour: PYTORCH learning_rate: 0.5 momentum: 0.9 }
    loss { weight: 2 label_smoothing: 0.1 class_weight: [1, 2, 3] ignore_index: 1 }
    clip { kind: NORM flavour: PYTORCH limit: 3 }
    weight_average { decay: 0.5 correct_bias: true }
    early_stopping { patience: 2 min_delta: 0.1 } })"));
  EXPECT_EQ(plan.loading.batch_size, 4);
  EXPECT_TRUE(plan.loading.drop_last);
  EXPECT_EQ(plan.loading.seed, 11u);
  EXPECT_EQ(plan.trainer.seed, 11u);
  EXPECT_EQ(plan.batches_per_epoch, 2);
  EXPECT_EQ(plan.steps, 6);
  EXPECT_EQ(plan.checkpoint_seconds, 5);
  EXPECT_TRUE(plan.keep_best);
  EXPECT_EQ(plan.metric, JobMetric::kLoss);
  EXPECT_EQ(plan.trainer.optimizer.momentum, 0.9);
  EXPECT_EQ(plan.schedule.base_rate, 0.5);
  const Loss& loss = plan.trainer.training.losses[0];
  EXPECT_EQ(loss.weight, 2);
  EXPECT_EQ(loss.label_smoothing, 0.1f);
  EXPECT_THAT(loss.class_weights, ElementsAre(1, 2, 3));
  EXPECT_EQ(loss.ignore_index, 1);
  EXPECT_EQ(plan.trainer.clip.kind, ClipKind::kNorm);
  EXPECT_EQ(plan.trainer.clip.limit, 3);
  EXPECT_EQ(plan.trainer.average->decay, 0.5);
  EXPECT_TRUE(plan.trainer.average->correct_bias);
  EXPECT_EQ(plan.early_stopping->patience, 2);
  EXPECT_EQ(plan.early_stopping->goal, Goal::kMinimize);
}

// The trainer counts batches over epochs, and never makes half a step.
TEST_F(JobPlanTest, CountsStepsAsTheTrainerTakesThem) {
  ASSERT_OK_AND_ASSIGN(const JobPlan plan, Plan("training { epochs: 3 batch_size: 4 accumulated_batches: 2 }"));
  EXPECT_EQ(plan.batches_per_epoch, 3);
  EXPECT_EQ(plan.steps, 4) << "nine batches";
  EXPECT_EQ(plan.trainer.accumulated_batches, 2);
  EXPECT_THAT(Errors("training { epochs: 1 batch_size: 4 accumulated_batches: 4 }"),
              ElementsAre("training.accumulated_batches: expected at most the 3 batches of the training, got 4"));
  EXPECT_THAT(Errors("training { batch_size: 11 drop_last: true }"),
              ElementsAre("training.drop_last: expected at least one whole batch of 11 samples, got 10"));
}

TEST_F(JobPlanTest, SchedulesThatLastAsLongAsTheTrainingKnowHowLong) {
  ASSERT_OK_AND_ASSIGN(const JobPlan steps, Plan("training { batch_size: 4 schedule { warmup: 2 cosine {} } }"));
  EXPECT_EQ(std::get<CosineDecay>(steps.schedule.shape).length, 10) << "of 12 steps, behind the warm-up";
  EXPECT_EQ(steps.schedule.unit, ScheduleUnit::kStep);
  ASSERT_OK_AND_ASSIGN(const JobPlan epochs, Plan("training { schedule { unit: EPOCH linear {} } }"));
  EXPECT_EQ(std::get<LinearFactor>(epochs.schedule.shape).length, 4);
  EXPECT_EQ(epochs.schedule.unit, ScheduleUnit::kEpoch);
  ASSERT_OK_AND_ASSIGN(const JobPlan told, Plan("training { schedule { polynomial { length: 7 end_rate: 0.25 } } }"));
  EXPECT_EQ(std::get<PolynomialDecay>(told.schedule.shape).length, 7);
  EXPECT_THAT(Errors("training { epochs: 2 schedule { one_cycle {} } }"),
              ElementsAre(StartsWith("training.schedule.one_cycle.rise: ")))
      << "two steps are too few, which nobody knew before the data was open";
}

TEST_F(JobPlanTest, APlateauLeavesTheScheduleConstant) {
  ASSERT_OK_AND_ASSIGN(const JobPlan plan, Plan("training { schedule { warmup: 1 plateau { patience: 3 } } }"));
  EXPECT_TRUE(std::holds_alternative<ConstantRate>(plan.schedule.shape));
  EXPECT_EQ(plan.schedule.warmup, 1);
  EXPECT_EQ(plan.plateau->patience, 3);
  EXPECT_EQ(plan.plateau->factor, 0.1);
  EXPECT_EQ(plan.plateau->goal, Goal::kMaximize) << "of the accuracy";
}

TEST_F(JobPlanTest, PenaltiesOfTheJobComeOnTopOfTheNetworks) {
  network_ = {};
  network_.graph = Parse(kClassifier);
  ASSERT_OK(InferShapes(network_.graph));
  network_.options.penalties["w1"] = {0.5, 0.25};
  network_.options.training.frozen.insert("w2");
  data_.training = data_.plain = PipelineOf(Pictures());
  ASSERT_OK_AND_ASSIGN(const JobPlan plan,
                       MakeJobPlan(*ParseJob("training { epochs: 1 l1: 1 l2: 2 }"), data_, 1, network_));
  ASSERT_EQ(plan.trainer.penalties.size(), 1u) << "neither biases nor what is frozen";
  EXPECT_EQ(plan.trainer.penalties.at("w1").l1, 1.5);
  EXPECT_EQ(plan.trainer.penalties.at("w1").l2, 2.25);
}

// ---------------------------------------------------------------- inputs

TEST_F(JobPlanTest, FieldsHaveToFitInputs) {
  EXPECT_THAT(Errors("", {{"image", Floats({10, 3, 3, 3})}, {"label", Labels(10, 3), 3}}),
              ElementsAre("input: field 'image': expected float32 [2, 3, 3] for the network's input 'x', got float32 "
                          "[3, 3, 3]"));
  EXPECT_THAT(
      Errors("", {{"image", Labels(10, 3)}, {"label", Labels(10, 3), 3}}),
      ElementsAre("input: field 'image': expected float32 [2, 3, 3] for the network's input 'x', got int64 []"));
}

TEST_F(JobPlanTest, DimensionsOfOneMayBeLeftOut) {
  const char* const network =
      "graph g\ninput x float32 [n, 1, 3, 3]\nconst w float32 [2, 1, 3, 3] = fill 1\nc = Conv(x, w)\noutput c";
  ASSERT_OK_AND_ASSIGN(const JobPlan plan, Plan("", {{"x", Floats({10, 3, 3})}, {"label", Labels(10, 2), 2}}, network));
  EXPECT_THAT(plan.trainer.row_shapes, ElementsAre(Shape{1, 3, 3}));
  EXPECT_EQ(plan.classes->classes, 2) << "of an output [n, 2, 1, 1]";
}

TEST_F(JobPlanTest, DimensionsThatANetworkLeavesFreeAreTheDatas) {
  const char* const network =
      "graph g\ninput x float32 [n, 1, h, w]\nconst k float32 [2, 1, 3, 3] = fill 1\nc = Conv(x, k)\n"
      "p = GlobalAveragePool(c)\noutput p";
  ASSERT_OK_AND_ASSIGN(const JobPlan plan,
                       Plan("", {{"x", Floats({10, 1, 7, 5})}, {"label", Labels(10, 2), 2}}, network));
  EXPECT_THAT(plan.trainer.row_shapes, ElementsAre(Shape{1, 7, 5}));
}

TEST_F(JobPlanTest, ANetworkThatTakesNoSuchBatchesSaysWhere) {
  EXPECT_THAT(Errors("", {{"x", Floats({10, 4})}, {"label", Labels(10, 2), 2}},
                     "graph g\ninput x float32 [n, 4]\nconst t int64 [2] = {3, 4}\nr = Reshape(x, t)\n"
                     "const w float32 [4, 2] = fill 1\ny = MatMul(r, w)\noutput y"),
              ElementsAre(AllOf(StartsWith("network: with batches of 10: node 'r' (Reshape): "))));
  EXPECT_THAT(Errors("", {{"x", Floats({10, 4})}, {"label", Labels(10, 2), 2}},
                     "graph g\ninput x float32 [n, 4]\nconst w float32 [4, 2] = fill 1\nm = MatMul(x, w)\n"
                     "y = Transpose(m)\noutput y"),
              ElementsAre("training.loss[0]: output 'y': expected an output with the batch first, as many rows as the "
                          "inputs (10), got [2, 10]"));
}

// ---------------------------------------------------------------- losses

TEST_F(JobPlanTest, TargetsHaveToFitOutputs) {
  EXPECT_THAT(Errors("", {{"image", Floats({10, 2, 3, 3})}, {"label", Labels(10, 5), 5}}),
              ElementsAre("training.loss[0]: output 'y': expected at least 5 classes, as field 'label' has, got 3"));
  EXPECT_THAT(Errors("training { loss { kind: MEAN_SQUARED_ERROR target: 'label' } }"),
              ElementsAre("training.loss[0]: output 'y': expected a target of float32 [3], got field 'label' of int64 "
                          "[]"));
  EXPECT_THAT(Errors("training { loss { target: 'x' } }", {{"image", Floats({10, 2, 3, 3})}, {"x", Floats({10})}}),
              ElementsAre("training.loss[0]: output 'y': expected a target of int64 [], got field 'x' of float32 []"));
  EXPECT_THAT(Errors("training { loss { class_weight: [1, 2] } }"),
              ElementsAre("training.loss[0]: output 'y': class_weight: expected 3 numbers, one a class, got 2"));
}

TEST_F(JobPlanTest, ClassesOfMorePositionsAreNotMeasured) {
  const char* const network =
      "graph g\ninput x float32 [n, 2, 3, 3]\nconst w float32 [4, 2, 1, 1] = fill 1\nc = Conv(x, w)\noutput c";
  ASSERT_OK_AND_ASSIGN(
      const JobPlan plan,
      Plan("training { loss { target: 'mask' } }",
           {{"x", Floats({10, 2, 3, 3})}, {"mask", Tensor::Of<int64_t>({10, 3, 3}, std::vector<int64_t>(90, 1))}},
           network));
  EXPECT_FALSE(plan.classes.has_value());
  EXPECT_EQ(plan.metric, JobMetric::kLoss);
}

TEST_F(JobPlanTest, ASoftmaxHasToRunOverTheClasses) {
  EXPECT_THAT(Errors("", {{"x", Floats({10, 3, 1})}, {"label", Labels(10, 3), 3}},
                     "graph g\ninput x float32 [n, 3, 1]\nconst w float32 [3, 1] = fill 1\nm = Mul(x, w)\n"
                     "y = Softmax(m) {axis = 2}\noutput y"),
              ElementsAre(AllOf(StartsWith("training.loss: loss of output 'y': "), HasSubstr("axis 1"))));
}

TEST_F(JobPlanTest, ClassesThatTheDataDoesNotNameHaveTheirNumbers) {
  std::vector<FieldOf> fields = Pictures();
  fields[1] = {"label", Labels(10, 2), 2, {"cat", "dog"}};
  ASSERT_OK_AND_ASSIGN(const JobPlan plan, Plan("", fields));
  EXPECT_EQ(plan.classes->classes, 3);
  EXPECT_THAT(plan.classes->names, ElementsAre("cat", "dog", "2"));
}

// ---------------------------------------------------------------- what is looked at

TEST_F(JobPlanTest, AccuraciesNeedClasses) {
  const std::vector<FieldOf> regression = {{"x", Floats({10, 2, 3, 3})}, {"t", Floats({10, 3})}};
  const std::string mse = "training { loss { kind: MEAN_SQUARED_ERROR } } ";
  const std::string accuracy = "training { loss { kind: MEAN_SQUARED_ERROR } metric: ACCURACY } ";
  ASSERT_OK_AND_ASSIGN(const JobPlan plan, Plan(mse, regression));
  EXPECT_EQ(plan.metric, JobMetric::kLoss);
  EXPECT_FALSE(plan.classes.has_value());
  EXPECT_THAT(Errors(accuracy + "publish { when: METRIC metric: ACCURACY at_least: 1 }", regression),
              ElementsAre(StartsWith("training.metric: expected LOSS"), StartsWith("publish.metric: expected LOSS")));
  EXPECT_THAT(Errors(mse + "publish { when: BETTER_THAN_SERVING }", regression),
              ElementsAre(StartsWith("publish.when: expected other than BETTER_THAN_SERVING")));
  EXPECT_THAT(Errors(mse + "publish { when: METRIC at_least: 0.5 }", regression),
              ElementsAre(StartsWith("publish: expected at_most, for the metric is the loss")));
  EXPECT_THAT(Errors("publish { when: METRIC at_most: 0.5 }"),
              ElementsAre(StartsWith("publish: expected at_least, for the metric is the accuracy")));
  EXPECT_THAT(Errors("training { metric: TOP5_ACCURACY }"),
              ElementsAre("training.metric: expected more than 5 classes, got 3"));
}

// ---------------------------------------------------------------- normalisation

std::string FirstOps(const Graph& graph) { return graph.nodes()[0].op + " " + graph.nodes()[1].op; }

std::span<const float> Values(const Graph& graph, const std::string& name) {
  return graph.ConstantOf(graph.FindValue(name))->values<float>();
}

TEST_F(JobPlanTest, StandardisationIsComputedFromTheTrainingData) {
  Tensor image = Floats({10, 2, 3, 3});
  for (int64_t i = 0; i < 10; ++i) {
    for (int64_t k = 0; k < 9; ++k) image.mutable_values<float>()[i * 18 + k] = i % 2 == 0 ? 5 : 9;
    for (int64_t k = 9; k < 18; ++k) image.mutable_values<float>()[i * 18 + k] = 3;
  }
  ASSERT_OK_AND_ASSIGN(const JobPlan plan, Plan("input { field: 'image' standardise {} }",
                                                {{"image", image}, {"label", Labels(10, 3), 3}}));
  EXPECT_EQ(FirstOps(network_.graph), "Sub Mul");
  EXPECT_THAT(Values(network_.graph, "x/offset"), ElementsAre(7, 3));
  EXPECT_THAT(Values(network_.graph, "x/scale"), ElementsAre(0.5f, 1));
  EXPECT_THAT(plan.trainer.training.frozen, ElementsAre("x/offset", "x/scale"));
  ASSERT_OK(Plan("input { field: 'image' subtract_mean {} }", {{"image", image}, {"label", Labels(10, 3), 3}}));
  EXPECT_THAT(Values(network_.graph, "x/offset"), ElementsAre(7, 3));
  EXPECT_THAT(Values(network_.graph, "x/scale"), ElementsAre(1, 1));
}

TEST_F(JobPlanTest, NumbersOfTheJobNormaliseToo) {
  ASSERT_OK(Plan("input { field: 'image' scale_range {} }"));
  EXPECT_THAT(Values(network_.graph, "x/offset"), ElementsAre(0));
  EXPECT_THAT(Values(network_.graph, "x/scale"), ElementsAre(1.0f / 255));
  ASSERT_OK(Plan("input { field: 'image' fixed { offset: [1, 2] } }"));
  EXPECT_THAT(Values(network_.graph, "x/offset"), ElementsAre(1, 2));
  EXPECT_THAT(Values(network_.graph, "x/scale"), ElementsAre(1));
  EXPECT_THAT(Errors("input { field: 'image' fixed { scale: [1, 2, 3] } }"),
              ElementsAre(AllOf(StartsWith("input: input 'x': expected one entry"), HasSubstr("got 3"))));
}

TEST_F(JobPlanTest, AllThatIsWrongIsToldAtOnce) {
  EXPECT_THAT(Errors("input { field: 'image' fixed { scale: [1, 2, 3] } } "
                     "training { epochs: 1 accumulated_batches: 9 metric: TOP5_ACCURACY }"),
              ElementsAre(StartsWith("training.accumulated_batches: "), StartsWith("training.metric: "),
                          StartsWith("input: input 'x': ")));
}

// ---------------------------------------------------------------- before data is opened

TEST(FindIndexFieldsTest, AreInputsOfIndicesAndMasks) {
  const testing::TempDir dir;
  dir.Write("text.textproto", R"(
    input { name: "words" shape: [6] data_type: INT64 }
    layer { name: "e" embedding { input_dim: 10 output_dim: 4 } }
    layer { name: "c" conv1d { filters: 3 kernel_size: 1 } })");
  const auto find = [&](const std::string& job) {
    return FindIndexFields(*ParseJob("network { description_file: 'text.textproto' } " + job), {dir.path()}, "");
  };
  ASSERT_OK_AND_ASSIGN(const auto text, find("data { training { arrays { field { name: 'text' } "
                                             "field { name: 'label' classes {} } } } }"));
  EXPECT_THAT(text, ElementsAre("text"));
  ASSERT_OK_AND_ASSIGN(const auto mask, find("data { training { arrays { field { name: 'words' } "
                                             "field { name: 'tags' } } } }"));
  EXPECT_THAT(mask, ElementsAre("tags", "words"));
  EXPECT_THAT(find("data { training { arrays { field { name: 'a' } field { name: 'b' } } } }"),
              StatusIs(kInvalid, HasSubstr("training.loss[0].target: ")));
  EXPECT_THAT(FindIndexFields(*ParseJob("network { description_file: 'none' }"), {dir.path()}, ""),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST(CountClassesTest, OfTheOnlyFieldOfClasses) {
  data::Schema schema;
  EXPECT_EQ(CountClasses(schema), 0);
  schema.fields.resize(2);
  EXPECT_EQ(CountClasses(schema), 0);
  schema.fields[1].num_classes = 7;
  EXPECT_EQ(CountClasses(schema), 7);
  schema.fields[0].num_classes = 3;
  EXPECT_EQ(CountClasses(schema), 0);
}

}  // namespace
}  // namespace beak
