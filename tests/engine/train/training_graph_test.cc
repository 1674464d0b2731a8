#include "engine/train/training_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/onednn/backend.h"
#include "engine/ops/op.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Parse;
using testing::RandomizeConstants;
using testing::RandomTensor;
using testing::RunGraph;
using testing::StatusIs;

struct Case {
  const char* name;
  Shape row;         // of the one input x, without the batch dimension
  const char* body;  // from x to y, [batch, 5] logits
};

const Case kCases[] = {
    {"lecture",
     {1, 12, 12},
     "const w1 float32 [6, 1, 3, 3] = fill 1.0\nconst b1 float32 [6] = fill 1.0\nc1 = Conv(x, w1, b1)\nr1 = Relu(c1)\n"
     "p1 = MaxPool(r1) {kernel_shape = [2, 2], strides = [2, 2]}\nconst w2 float32 [9, 6, 3, 3] = fill 1.0\n"
     "c2 = Conv(p1, w2)\nr2 = Relu(c2)\np2 = MaxPool(r2) {kernel_shape = [2, 2], strides = [2, 2]}\n"
     "f = Flatten(p2)\nconst w3 float32 [9, 7] = fill 1.0\nconst b3 float32 [7] = fill 1.0\n"
     "g = Gemm(f, w3, b3)\nr3 = Relu(g)\nconst w4 float32 [5, 7] = fill 1.0\nconst b4 float32 [5] = fill 1.0\n"
     "y = Gemm(r3, w4, b4) {transB = 1}"},
    {"residual_with_batch_norm",
     {3, 8, 8},
     "const w1 float32 [16, 3, 3, 3] = fill 1.0\nc1 = Conv(x, w1) {pads = [1, 1, 1, 1]}\n"
     "const s1 float32 [16] = fill 1.0\nconst t1 float32 [16] = fill 1.0\nconst m1 float32 [16] = fill 1.0\n"
     "const var1 float32 [16] = fill 1.0\nn1 = BatchNormalization(c1, s1, t1, m1, var1)\nr1 = Relu(n1)\n"
     "const w2 float32 [16, 16, 3, 3] = fill 1.0\nc2 = Conv(r1, w2) {pads = [1, 1, 1, 1]}\n"
     "const s2 float32 [16] = fill 1.0\nconst t2 float32 [16] = fill 1.0\nconst m2 float32 [16] = fill 1.0\n"
     "const var2 float32 [16] = fill 1.0\nn2 = BatchNormalization(c2, s2, t2, m2, var2)\na = Add(n2, r1)\nr2 = "
     "Relu(a)\n"
     "p = GlobalAveragePool(r2)\nf = Flatten(p)\nconst w3 float32 [16, 5] = fill 1.0\ny = MatMul(f, w3)"},
    {"depthwise_separable",
     {8, 9, 9},
     "const w1 float32 [8, 1, 3, 3] = fill 1.0\nc1 = Conv(x, w1) {group = 8, pads = [1, 1, 1, 1], strides = [2, 2]}\n"
     "const w2 float32 [25, 8, 1, 1] = fill 1.0\nc2 = Conv(c1, w2)\nr2 = LeakyRelu(c2) {alpha = 0.1}\n"
     "p = AveragePool(r2) {kernel_shape = [2, 2], strides = [2, 2]}\nconst w3 float32 [5, 25, 2, 2] = fill 1.0\n"
     "c3 = Conv(p, w3)\ny = Flatten(c3)"},
    {"relu6",
     {8, 6, 6},
     "const w1 float32 [20, 8, 3, 3] = fill 1.0\nc1 = Conv(x, w1)\nconst l float32 [] = {0.0}\nconst h float32 [] = "
     "{0.5}\n"
     "a1 = Clip(c1, l, h)\nconst w2 float32 [5, 20, 4, 4] = fill 1.0\nc2 = Conv(a1, w2)\ny = Flatten(c2)"},
    {"odd_activations",
     {8, 6, 6},
     "const w1 float32 [20, 8, 3, 3] = fill 1.0\nc1 = Conv(x, w1)\na1 = Sigmoid(c1)\nconst w2 float32 [12, 20, 2, 2] = "
     "fill 1.0\nc2 = Conv(a1, w2)\na2 = Tanh(c2)\nconst w3 float32 [5, 12, 3, 3] = fill 1.0\nc3 = Conv(a2, w3)\n"
     "a3 = Elu(c3)\ny = Flatten(a3)"},
    {"dilated_and_grouped",
     {8, 10, 10},
     "const w1 float32 [16, 4, 3, 3] = fill 1.0\nc1 = Conv(x, w1) {group = 2, dilations = [2, 2]}\n"
     "const w2 float32 [5, 16, 6, 6] = fill 1.0\nc2 = Conv(c1, w2)\ny = Flatten(c2)"},
    {"transposed",
     {6, 4, 4},
     "const w1 float32 [6, 4, 3, 3] = fill 1.0\nconst b1 float32 [4] = fill 1.0\n"
     "c1 = ConvTranspose(x, w1, b1) {strides = [2, 2]}\nr1 = Relu(c1)\nconst w2 float32 [5, 4, 9, 9] = fill 1.0\n"
     "c2 = Conv(r1, w2)\ny = Flatten(c2)"},
};

Graph Network(const Case& one) {
  std::string shape;
  for (const int64_t dim : one.row) shape += ", " + std::to_string(dim);
  Graph graph = Parse("graph g\ninput x float32 [n" + shape + "]\n" + one.body + "\noutput y");
  RandomizeConstants(graph, 3);
  return graph;
}

// Inputs of a training graph: random data, labels in turn, and the network's own constants as parameters.
std::vector<Tensor> Inputs(const Graph& network, const TrainingGraph& training, const Shape& x) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < x[0]; ++i) labels.push_back(i % 5);
  std::vector<Tensor> inputs = {RandomTensor(x, 1), Tensor::Of<int64_t>({x[0]}, labels), Tensor::Scalar<int64_t>(5)};
  for (const Parameter& parameter : training.parameters) {
    inputs.push_back(*network.ConstantOf(network.FindValue(parameter.name)));
  }
  return inputs;
}

// |a - b| / |b|, the 2-norms of whole tensors.
double RelativeError(const Tensor& a, const Tensor& b) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < b.values<float>().size(); ++i) {
    difference += std::pow(double{a.values<float>()[i]} - b.values<float>()[i], 2);
    norm += std::pow(double{b.values<float>()[i]}, 2);
  }
  return std::sqrt(difference) / std::max(std::sqrt(norm), 1e-12);
}

class TrainingGraphTest : public ::testing::TestWithParam<Case> {};

// float32 sums of up to some thousand products in another order: a relative error of about 1e-6; a max pool may choose
// another of two elements that round to the same.
TEST_P(TrainingGraphTest, TheFastKernelsComputeWhatTheReferenceDoes) {
  const Graph network = Network(GetParam());
  Shape x = GetParam().row;
  x.insert(x.begin(), 4);
  ASSERT_OK_AND_ASSIGN(const TrainingGraph training, MakeTrainingGraph(network, {x}, {{{"y"}}}));
  const std::vector<Tensor> inputs = Inputs(network, training, x);
  ASSERT_OK_AND_ASSIGN(const auto expected, RunGraph(training.graph, inputs, ReferenceBackend(), {.publish = false}));
  for (const int threads : {1, 2}) {
    ASSERT_OK_AND_ASSIGN(const auto actual,
                         RunGraph(training.graph, inputs, CpuBackend(), {.threads = threads, .publish = false}));
    for (size_t i = 0; i < expected.size(); ++i) {
      EXPECT_LE(RelativeError(actual[i], expected[i]), 1e-5)
          << "output " << training.graph.value(training.graph.outputs()[i]).name << " on " << threads << " threads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, TrainingGraphTest, ::testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(MakeTrainingGraphTest, ParametersAreWhatNodesWeighWith) {
  const Graph network = Network(kCases[1]);
  std::vector<std::string> names;
  for (const Parameter& parameter : FindParameters(network)) names.push_back(parameter.name);
  EXPECT_THAT(names, ElementsAre("w1", "s1", "t1", "w2", "s2", "t2", "w3"));
}

TEST(MakeTrainingGraphTest, AFrozenNormKeepsItsStatistics) {
  const Graph network = Network(kCases[1]);
  ASSERT_OK_AND_ASSIGN(const TrainingGraph all, MakeTrainingGraph(network, {{2, 3, 8, 8}}, {{{"y"}}}));
  ASSERT_EQ(all.statistics.size(), 2u);
  EXPECT_EQ(all.statistics[0].mean, "m1");
  EXPECT_EQ(all.statistics[0].variance, "var1");
  EXPECT_EQ(all.statistics[0].count, 2 * 8 * 8);
  EXPECT_EQ(all.graph.outputs().size(), all.variance_output(1) + 1);
  ASSERT_OK_AND_ASSIGN(const TrainingGraph frozen,
                       MakeTrainingGraph(network, {{2, 3, 8, 8}}, {{{"y"}}, {"w1", "s1", "t1"}}));
  EXPECT_EQ(frozen.statistics.size(), 1u);
  EXPECT_EQ(frozen.parameters.size(), 4u);
}

TEST(MakeTrainingGraphTest, LossesAreThoseOfTheReference) {
  // log(e^2 + e + e^0.1) - 2, and with 0.1 of the weight on the mean of all three.
  const Graph network = Parse(
      "graph g\ninput x float32 [n, 3]\nconst w float32 [3] = fill 1.0\na = Mul(x, w)\n"
      "y = Softmax(a)\noutput y");
  for (const auto& [smoothing, expected] : {std::pair(0.0f, 0.417030016), std::pair(0.1f, 0.513696683)}) {
    Loss loss{"y"};
    loss.label_smoothing = smoothing;
    ASSERT_OK_AND_ASSIGN(const TrainingGraph training, MakeTrainingGraph(network, {{1, 3}}, {{loss}}));
    const std::vector<Tensor> inputs = {Tensor::Of<float>({1, 3}, {2, 1, 0.1f}), Tensor::Of<int64_t>({1}, {0}),
                                        Tensor::Scalar<int64_t>(0), Tensor::Of<float>({3}, {1, 1, 1})};
    ASSERT_OK_AND_ASSIGN(const auto outputs, RunGraph(training.graph, inputs, CpuBackend(), {.publish = false}));
    EXPECT_NEAR(outputs[0].values<float>()[0], expected, 1e-6);
    EXPECT_THAT(outputs[1].values<float>(), ElementsAre(2, 1, 0.1f)) << "logits, not probabilities";
  }
}

TEST(MakeTrainingGraphTest, ANormWithAFrozenScaleMayTakeTheStatisticsOfItsBatch) {
  ASSERT_OK_AND_ASSIGN(const TrainingGraph training,
                       MakeTrainingGraph(Network(kCases[1]), {{2, 3, 8, 8}}, {{{"y"}}, {"s1"}, {"n1"}}));
  EXPECT_EQ(training.statistics.size(), 2u);
  EXPECT_EQ(training.parameters.size(), 6u);
}

TEST(MakeTrainingGraphTest, ADropoutWhoseRatioIsNotKnownIsRefused) {
  const Graph network = Parse(
      "graph g\ninput x float32 [n, 3]\ninput q float32 []\nconst w float32 [3] = fill 1.0\na = Mul(x, w)\n"
      "y = Dropout(a, q)\noutput y");
  EXPECT_THAT(MakeTrainingGraph(network, {{2, 3}, {}}, {{{"y"}}}).status(),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("(Dropout): expected a constant ratio")));
}

TEST(MakeTrainingGraphTest, ASoftmaxOverAnotherAxisThanTheClassesIsRefused) {
  const Graph network = Parse(
      "graph g\ninput x float32 [n, 3, 4]\nconst w float32 [4] = fill 1.0\na = Mul(x, w)\ny = Softmax(a)\noutput y");
  EXPECT_THAT(MakeTrainingGraph(network, {{2, 3, 4}}, {{{"y"}}}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected a Softmax over axis 1, got 2")));
}

TEST(MakeTrainingGraphTest, ParametersAreFoundWhateverOtherValuesAreCalled) {
  const Graph network = Parse(
      "graph g\ninput x float32 [n, 3]\nconst w float32 [3] = fill 2.0\nparameter_w = Mul(x, w)\n"
      "y = Neg(parameter_w)\noutput y");
  const Loss loss = {"y", Loss::Kind::kMeanSquaredError};
  ASSERT_OK_AND_ASSIGN(const TrainingGraph training, MakeTrainingGraph(network, {{1, 3}}, {{loss}}));
  const std::vector<Tensor> inputs = {Tensor::Of<float>({1, 3}, {1, 2, 3}), Tensor::Of<float>({1, 3}, {0, 0, 0}),
                                      Tensor::Scalar<int64_t>(0), Tensor::Of<float>({3}, {2, 2, 2})};
  ASSERT_OK_AND_ASSIGN(const auto outputs, RunGraph(training.graph, inputs, CpuBackend(), {.publish = false}));
  // 2 / 3 x^2 w
  EXPECT_THAT(outputs[training.gradient_output(0)].values<float>(),
              ::testing::Pointwise(::testing::FloatEq(), {4.0f / 3, 16.0f / 3, 12.0f}));
}

TEST(MakeTrainingGraphTest, LossesThatDoNotFitAreRefused) {
  const Graph network = Network(kCases[0]);
  const auto make = [&](const Loss& loss) { return MakeTrainingGraph(network, {{2, 1, 12, 12}}, {{loss}}).status(); };
  EXPECT_THAT(make({"z"}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("loss of output 'z'")));
  Loss weighted{"y"};
  weighted.class_weights = {1, 2};
  EXPECT_THAT(make(weighted),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected 5 as there are classes")));
  EXPECT_THAT(MakeTrainingGraph(network, {{2, 1, 12, 12}}, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected at least one")));
}

}  // namespace
}  // namespace beak
