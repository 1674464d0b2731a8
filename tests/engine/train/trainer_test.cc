#include "engine/train/trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/onednn/backend.h"
#include "engine/train/evaluation_step.h"
#include "engine/train/metrics.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::Parse;
using testing::RandomizeConstants;
using testing::RandomTensor;
using testing::StatusIs;

// Two features, three classes: which of x0, x1 and neither is above the rest.
Graph SmallNetwork() {
  Graph graph = Parse(
      "graph g\ninput x float32 [n, 2]\nconst w1 float32 [2, 16] = fill 1.0\nconst b1 float32 [16] = fill 0.0\n"
      "a = Gemm(x, w1, b1)\nr = Relu(a)\nd = Dropout(r)\nconst w2 float32 [16, 3] = fill 1.0\n"
      "const b2 float32 [3] = fill 0.0\ny = Gemm(d, w2, b2)\np = Softmax(y)\noutput p");
  RandomizeConstants(graph, 5);
  return graph;
}

Graph WithoutDropout(Graph graph) {
  for (Node& node : graph.mutable_nodes()) {
    if (node.op == "Dropout") node.op = "Identity";
  }
  return graph;
}

Graph NormNetwork() {
  Graph graph = Parse(
      "graph g\ninput x float32 [n, 3, 6, 6]\nconst w float32 [8, 3, 3, 3] = fill 1.0\nc = Conv(x, w)\n"
      "const s float32 [8] = fill 1.0\nconst t float32 [8] = fill 0.0\nconst m float32 [8] = fill 0.0\n"
      "const v float32 [8] = fill 1.0\nn = BatchNormalization(c, s, t, m, v) {momentum = 0.75}\nr = Relu(n)\n"
      "g = GlobalAveragePool(r)\nh = Flatten(g)\nf = Dropout(h)\nconst w2 float32 [8, 3] = fill 1.0\ny = MatMul(f, "
      "w2)\noutput y");
  for (const char* name : {"w", "w2"}) {
    Tensor& tensor = *graph.mutable_value(graph.FindValue(name)).constant;
    tensor = RandomTensor(tensor.shape(), 4);
  }
  return graph;
}

// A batch that owns its bytes.
struct Samples {
  Tensor inputs, labels;

  TrainingBatch batch() const {
    return {inputs.shape()[0],
            {std::span(inputs.bytes(), inputs.byte_size())},
            {std::span(labels.bytes(), labels.byte_size())}};
  }
};

Samples SmallSamples(int64_t rows, int seed) {
  Samples samples{RandomTensor({rows, 2}, seed), *Tensor::Create(DType::kInt64, {rows})};
  for (int64_t i = 0; i < rows; ++i) {
    const float a = samples.inputs.values<float>()[2 * i], b = samples.inputs.values<float>()[2 * i + 1];
    samples.labels.mutable_values<int64_t>()[i] = a < 0 && b < 0 ? 2 : a > b ? 0 : 1;
  }
  return samples;
}

Samples NormSamples(int64_t rows, int seed) {
  Samples samples{RandomTensor({rows, 3, 6, 6}, seed), *Tensor::Create(DType::kInt64, {rows})};
  for (int64_t i = 0; i < rows; ++i) samples.labels.mutable_values<int64_t>()[i] = (i + seed) % 3;
  return samples;
}

TrainerOptions SmallOptions(OptimizerKind kind = OptimizerKind::kAdam) {
  TrainerOptions options;
  options.training.losses = {{"p"}};
  options.optimizer = DefaultOptions(Flavour::kPyTorch, kind);
  options.row_shapes = {{2}};
  options.batch_rows = 32;
  options.seed = 9;
  return options;
}

std::unique_ptr<Trainer> Make(Graph network, const TrainerOptions& options) {
  auto trainer = Trainer::Create(std::move(network), options, CpuBackend());
  EXPECT_THAT(trainer.status(), IsOk());
  return *std::move(trainer);
}

std::unique_ptr<EvaluationStep> Evaluate(const Graph& network, const Samples& samples, const std::string& output) {
  EvaluationStep::Options options;
  options.losses = {{output}};
  Shape row = samples.inputs.shape();
  row.erase(row.begin());
  options.row_shapes = {row};
  auto step = EvaluationStep::Create(network, options, CpuBackend());
  EXPECT_THAT(step.status(), IsOk());
  EXPECT_THAT((*step)->Run(samples.batch()), IsOk());
  return *std::move(step);
}

double AccuracyOf(const Graph& network, const Samples& samples, const std::string& output) {
  const auto step = Evaluate(network, samples, output);
  const std::span<const float> logits = step->prediction(0);
  const std::span<const int64_t> labels = samples.labels.values<int64_t>();
  const size_t classes = logits.size() / labels.size();
  TopKAccuracy accuracy(1);
  for (size_t i = 0; i < labels.size(); ++i) accuracy.Add(logits.subspan(i * classes, classes), labels[i]);
  return accuracy.value();
}

TEST(TrainerTest, LearnsWhatIsThereToBeLearned) {
  const auto trainer = Make(SmallNetwork(), SmallOptions());
  const Samples test = SmallSamples(500, 1000);
  const double before = AccuracyOf(trainer->Network(), test, "p");
  for (int step = 0; step < 400; ++step) {
    ASSERT_OK_AND_ASSIGN(const BatchReport report, trainer->Train(SmallSamples(32, step).batch(), 0.02));
    EXPECT_TRUE(report.stepped);
    EXPECT_GT(report.gradient_norm, 0);
  }
  const double after = AccuracyOf(trainer->Network(), test, "p");
  EXPECT_LT(before, 0.7);
  EXPECT_GT(after, 0.93) << "half of the hidden units drop out";
  EXPECT_EQ(trainer->steps(), 400);
}

TEST(TrainerTest, EvaluationAndTrainingAgreeOnTheLoss) {
  const auto trainer = Make(WithoutDropout(SmallNetwork()), SmallOptions());
  const Samples samples = SmallSamples(32, 1);
  const double loss = Evaluate(trainer->Network(), samples, "p")->loss();
  ASSERT_OK_AND_ASSIGN(const BatchReport report, trainer->Train(samples.batch(), 0.01));
  EXPECT_NEAR(report.loss, loss, 1e-6);
}

TEST(TrainerTest, AShortBatchHasAProgramOfItsOwn) {
  const auto trainer = Make(SmallNetwork(), SmallOptions());
  EXPECT_OK(trainer->Train(SmallSamples(32, 1).batch(), 0.01));
  EXPECT_OK(trainer->Train(SmallSamples(7, 2).batch(), 0.01));
  EXPECT_EQ(trainer->prediction(0).size(), 7u * 3);
  EXPECT_OK(trainer->Train(SmallSamples(32, 3).batch(), 0.01));
}

TEST(TrainerTest, TheSameSeedGivesTheSameBits) {
  const auto a = Make(SmallNetwork(), SmallOptions()), b = Make(SmallNetwork(), SmallOptions());
  TrainerOptions other = SmallOptions();
  other.seed = 10;
  const auto c = Make(SmallNetwork(), other);
  for (int step = 0; step < 20; ++step) {
    for (const auto* trainer : {&a, &b, &c}) ASSERT_OK((*trainer)->Train(SmallSamples(32, step).batch(), 0.02));
  }
  const auto same = [&](const Trainer& x, const Trainer& y) {
    for (size_t i = 0; i < x.parameters().size(); ++i) {
      if (std::memcmp(x.values(i).data(), y.values(i).data(), x.values(i).size_bytes()) != 0) return false;
    }
    return true;
  };
  EXPECT_TRUE(same(*a, *b));
  EXPECT_FALSE(same(*a, *c)) << "other elements are dropped";
}

TEST(TrainerTest, AccumulatedGradientsAreFiniteToo) {
  TrainerOptions options = SmallOptions();
  options.training.losses = {{"y"}};
  options.batch_rows = 1;
  options.accumulated_batches = 2;
  const auto trainer = Make(
      Parse("graph g\ninput x float32 [n, 2]\nconst w float32 [2, 3] = fill 0.0\ny = MatMul(x, w)\noutput y"), options);
  const Samples large{Tensor::Of<float>({1, 2}, {3e38f, 0}), Tensor::Of<int64_t>({1}, {0})};
  ASSERT_OK(trainer->Train(large.batch(), 0.1));
  EXPECT_THAT(trainer->Train(large.batch(), 0.1),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("gradient of 'w'")))
      << "each is finite, their sum is not";
}

TEST(TrainerTest, GoesOnFromItsStateWithTheSameBits) {
  TrainerOptions options = SmallOptions(OptimizerKind::kRmsProp);
  options.training.losses = {{"y"}};
  options.row_shapes = {{3, 6, 6}};
  options.batch_rows = 8;
  options.average = WeightAverageOptions{0.9, true};
  options.accumulated_batches = 2;
  const auto whole = Make(NormNetwork(), options);
  for (int batch = 0; batch < 6; ++batch) ASSERT_OK(whole->Train(NormSamples(8, batch).batch(), 0.01));
  const NamedState state = whole->Export();
  const auto resumed = Make(NormNetwork(), options);
  ASSERT_OK(resumed->Import(state));
  for (int batch = 6; batch < 12; ++batch) {
    for (const auto* trainer : {&whole, &resumed}) ASSERT_OK((*trainer)->Train(NormSamples(8, batch).batch(), 0.01));
  }
  const NamedState a = whole->Export(), b = resumed->Export();
  EXPECT_EQ(a.numbers, b.numbers);
  ASSERT_EQ(a.tensors.size(), b.tensors.size());
  for (const auto& [name, tensor] : a.tensors) {
    EXPECT_TRUE(testing::SameBits(tensor, b.tensors.at(name))) << name;
  }

  NamedState wrong = state;
  wrong.tensors.erase("parameter/w");
  EXPECT_THAT(resumed->Import(wrong), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("parameter/w")));
  wrong = state;
  wrong.tensors.erase("average/w/average");
  EXPECT_THAT(resumed->Import(wrong), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("w/average")));
  const NamedState unchanged = resumed->Export();
  EXPECT_EQ(unchanged.numbers, b.numbers);
  for (const auto& [name, tensor] : b.tensors) EXPECT_TRUE(testing::SameBits(tensor, unchanged.tensors.at(name)));
  options.average = std::nullopt;
  EXPECT_THAT(Make(NormNetwork(), options)->Import(state),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected no other entries")));

  // Half of a step is not part of any state.
  ASSERT_OK(resumed->Train(NormSamples(8, 12).batch(), 0.01));
  ASSERT_OK(resumed->Import(state));
  ASSERT_OK_AND_ASSIGN(const BatchReport report, resumed->Train(NormSamples(8, 6).batch(), 0.01));
  EXPECT_FALSE(report.stepped);
}

TEST(TrainerTest, RunningStatisticsFollowTheBatches) {
  TrainerOptions options = SmallOptions();
  options.training.losses = {{"y"}};
  options.row_shapes = {{3, 6, 6}};
  options.batch_rows = 8;
  options.unbiased_variances = {"v"};
  const Samples samples = NormSamples(8, 3);
  const auto trainer = Make(NormNetwork(), options);
  ASSERT_OK(trainer->Train(samples.batch(), 0.01));
  // What the convolution gives for these samples, by the network itself.
  Graph conv = NormNetwork();
  conv.mutable_outputs() = {conv.FindValue("c")};
  ASSERT_OK_AND_ASSIGN(const auto outputs, testing::RunGraph(conv, {samples.inputs}, ReferenceBackend()));
  const std::span<const float> c = outputs[0].values<float>();
  const Graph network = trainer->Network();
  for (int64_t channel = 0; channel < 8; ++channel) {
    double sum = 0, squares = 0;
    for (int64_t n = 0; n < 8; ++n) {
      for (int64_t e = 0; e < 16; ++e) {
        const double value = c[(n * 8 + channel) * 16 + e];
        sum += value;
        squares += value * value;
      }
    }
    const double count = 8 * 16, mean = sum / count, variance = squares / count - mean * mean;
    const auto kept = [&](const char* name) {
      return network.ConstantOf(network.FindValue(name))->values<float>()[channel];
    };
    EXPECT_NEAR(kept("m"), 0.25 * mean, 1e-5);
    EXPECT_NEAR(kept("v"), 0.75 + 0.25 * variance * count / (count - 1), 1e-4);
  }
}

TEST(TrainerTest, AccumulatedBatchesAreOneStep) {
  TrainerOptions options = SmallOptions(OptimizerKind::kSgd);
  const Graph plain = WithoutDropout(SmallNetwork());
  options.accumulated_batches = 2;
  const auto accumulated = Make(plain, options);
  options.accumulated_batches = 1;
  options.batch_rows = 64;
  const auto whole = Make(plain, options);
  const Samples both = SmallSamples(64, 1);
  for (int half = 0; half < 2; ++half) {
    Samples part{*Tensor::Create(DType::kFloat32, {32, 2}), *Tensor::Create(DType::kInt64, {32})};
    std::copy_n(both.inputs.values<float>().begin() + 64 * half, 64, part.inputs.mutable_values<float>().begin());
    std::copy_n(both.labels.values<int64_t>().begin() + 32 * half, 32, part.labels.mutable_values<int64_t>().begin());
    ASSERT_OK_AND_ASSIGN(const BatchReport report, accumulated->Train(part.batch(), 0.1));
    EXPECT_EQ(report.stepped, half == 1);
  }
  ASSERT_OK(whole->Train(both.batch(), 0.1));
  for (size_t i = 0; i < whole->parameters().size(); ++i) {
    for (size_t e = 0; e < whole->values(i).size(); ++e) {
      EXPECT_NEAR(accumulated->values(i)[e], whole->values(i)[e], 1e-6) << "sums in another order";
    }
  }
}

TEST(TrainerTest, PenaltiesAndLimitsHold) {
  TrainerOptions options = SmallOptions(OptimizerKind::kSgd);
  options.penalties["w1"] = {0, 0.5};
  options.unit_norms["w2"] = {0.3, 1};
  const auto trainer = Make(SmallNetwork(), options), free = Make(SmallNetwork(), SmallOptions(OptimizerKind::kSgd));
  const Samples samples = SmallSamples(32, 1);
  ASSERT_OK_AND_ASSIGN(const BatchReport with, trainer->Train(samples.batch(), 0.1));
  ASSERT_OK_AND_ASSIGN(const BatchReport without, free->Train(samples.batch(), 0.1));
  EXPECT_GT(with.loss, without.loss + 0.1);
  const Graph start = SmallNetwork();
  const Tensor& w1 = *start.ConstantOf(start.FindValue("w1"));
  for (size_t e = 0; e < w1.values<float>().size(); ++e) {
    EXPECT_NEAR(trainer->values(0)[e], free->values(0)[e] - 0.1f * 2 * 0.5f * w1.values<float>()[e], 1e-6);
  }
  for (int64_t unit = 0; unit < 3; ++unit) {
    double squares = 0;
    for (int64_t in = 0; in < 16; ++in) squares += std::pow(double{trainer->values(2)[in * 3 + unit]}, 2);
    EXPECT_LE(std::sqrt(squares), 0.3 + 1e-6);
  }
}

TEST(TrainerTest, LimitsThatFitNoParameterAreRefused) {
  for (const UnitNormLimit& limit : {UnitNormLimit{0, 1}, UnitNormLimit{1, 2}, UnitNormLimit{1, -1}}) {
    TrainerOptions options = SmallOptions();
    options.unit_norms["w2"] = limit;
    EXPECT_THAT(Trainer::Create(SmallNetwork(), options, CpuBackend()).status(),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("parameter 'w2': expected a norm above 0")));
  }
}

TEST(TrainerTest, WhatIsNotFiniteChangesNothing) {
  const auto trainer = Make(SmallNetwork(), SmallOptions());
  Samples samples = SmallSamples(32, 1);
  ASSERT_OK(trainer->Train(samples.batch(), 0.01));
  const NamedState before = trainer->Export();
  samples.inputs.mutable_values<float>()[5] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(trainer->Train(samples.batch(), 0.01).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("step 1: ")));
  const NamedState after = trainer->Export();
  EXPECT_EQ(before.numbers, after.numbers);
  for (const auto& [name, tensor] : before.tensors) EXPECT_TRUE(testing::SameBits(tensor, after.tensors.at(name)));
}

TEST(TrainerTest, LabelsOutOfRangeAreSaid) {
  const auto trainer = Make(SmallNetwork(), SmallOptions());
  Samples samples = SmallSamples(32, 1);
  samples.labels.mutable_values<int64_t>()[4] = 3;
  EXPECT_THAT(trainer->Train(samples.batch(), 0.01).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("label 4: expected one in [0, 3), got 3")));
}

}  // namespace
}  // namespace beak
