#include "engine/train/autodiff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "engine/graph/verify.h"
#include "engine/onednn/backend.h"
#include "engine/ops/gradient.h"
#include "engine/ops/op.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

// Every gradient rule against finite differences, in double on the reference kernels.
namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::Parse;
using testing::RandomTensor;
using testing::RunGraph;
using testing::StatusIs;

struct Case {
  const char* name;
  const char* text;  // float64 inputs and one output y, of which every element must be differentiable there
};

const Case kCases[] = {
    {"abs", "input x float64 [2, 5]\ny = Abs(x)"},
    {"add", "input a float64 [2, 1, 3]\ninput b float64 [4, 1]\ny = Add(a, b)"},
    {"add_twice", "input a float64 [3]\nb = Add(a, a)\ny = Mul(b, a)"},
    {"average_pool",
     "input x float64 [2, 2, 5, 6]\n"
     "y = AveragePool(x) {kernel_shape = [3, 2], strides = [2, 2], pads = [1, 0, 1, 1]}"},
    {"average_pool_counting_pads",
     "input x float64 [1, 2, 5]\ny = AveragePool(x) {kernel_shape = [3], pads = [1, 1], count_include_pad = 1}"},
    {"batch_normalization",
     "input x float64 [2, 3, 2]\ninput s float64 [3]\ninput t float64 [3]\nconst m float64 [3] = {0.1, -0.2, 0.3}\n"
     "const v float64 [3] = {0.5, 1.5, 2.0}\ny = BatchNormalization(x, s, t, m, v) {epsilon = 0.001}"},
    {"batch_normalization_training",
     "input x float64 [3, 2, 2, 2]\ninput s float64 [2]\ninput t float64 [2]\n"
     "y, m, v = BatchNormalizationTraining(x, s, t) {epsilon = 0.001}"},
    {"cast", "input x float64 [4]\na = Cast(x) {to = \"float64\"}\ny = Mul(a, x)"},
    {"clip", "input x float64 [9]\nconst l float64 [] = {-0.5}\nconst h float64 [] = {0.75}\ny = Clip(x, l, h)"},
    {"clip_above", "input x float64 [9]\nconst h float64 [] = {0.25}\ny = Clip(x, , h)"},
    {"concat", "input a float64 [2, 1, 2]\ninput b float64 [2, 3, 2]\ny = Concat(a, b, a) {axis = -2}"},
    {"conv",
     "input x float64 [2, 2, 5, 4]\ninput w float64 [3, 2, 3, 2]\ninput b float64 [3]\n"
     "y = Conv(x, w, b) {strides = [2, 1], pads = [1, 0, 0, 1]}"},
    {"conv_dilated", "input x float64 [1, 2, 7]\ninput w float64 [2, 2, 2]\ny = Conv(x, w) {dilations = [3]}"},
    {"conv_depthwise",
     "input x float64 [1, 3, 4, 4]\ninput w float64 [6, 1, 3, 3]\ny = Conv(x, w) {group = 3, auto_pad = "
     "\"SAME_UPPER\", "
     "strides = [2, 2]}"},
    {"conv_grouped", "input x float64 [1, 4, 3, 3]\ninput w float64 [2, 2, 2, 2]\ny = Conv(x, w) {group = 2}"},
    {"conv_transpose",
     "input x float64 [2, 2, 3, 2]\ninput w float64 [2, 3, 3, 2]\ninput b float64 [3]\n"
     "y = ConvTranspose(x, w, b) {strides = [2, 3], pads = [1, 0, 1, 1], output_padding = [1, 2]}"},
    {"conv_transpose_grouped",
     "input x float64 [1, 4, 3]\ninput w float64 [4, 2, 2]\ny = ConvTranspose(x, w) {group = 2, dilations = [2]}"},
    {"depth_to_space", "input x float64 [1, 8, 2, 3]\ny = DepthToSpace(x) {blocksize = 2}"},
    {"depth_to_space_crd", "input x float64 [2, 8, 2, 1]\ny = DepthToSpace(x) {blocksize = 2, mode = \"CRD\"}"},
    {"div", "input a float64 [2, 3]\ninput b float64 [3]\nd = Exp(b)\ny = Div(a, d)"},
    {"dropout", "input x float64 [3]\na = Dropout(x)\ny = Mul(a, x)"},
    {"dropout_training", "input x float64 [4, 5]\nconst s int64 [] = {7}\ny = DropoutTraining(x, s) {ratio = 0.4}"},
    {"dropout_spatial",
     "input x float64 [3, 4, 2]\nconst s int64 [] = {8}\ny = DropoutTraining(x, s) {ratio = 0.5, spatial = 1, salt = "
     "3}"},
    {"elu", "input x float64 [9]\ny = Elu(x) {alpha = 0.7}"},
    {"exp", "input x float64 [4]\ny = Exp(x)"},
    {"expand", "input x float64 [3, 1]\nconst s int64 [3] = {2, 3, 2}\ny = Expand(x, s)"},
    {"flatten", "input x float64 [2, 3, 2]\na = Flatten(x)\ny = Mul(a, a)"},
    {"gather", "input x float64 [2, 3, 2]\nconst i int64 [2, 2] = {0, 2, -1, 0}\ny = Gather(x, i) {axis = 1}"},
    {"gather_int32", "input x float64 [5, 2]\nconst i int32 [3] = {4, 0, 4}\ny = Gather(x, i)"},
    {"gemm", "input a float64 [3, 4]\ninput b float64 [4, 2]\ninput c float64 [2]\ny = Gemm(a, b, c)"},
    {"gemm_trans_a", "input a float64 [4, 3]\ninput b float64 [4, 2]\ny = Gemm(a, b) {transA = 1, alpha = 0.5}"},
    {"gemm_trans_b",
     "input a float64 [3, 4]\ninput b float64 [2, 4]\ninput c float64 [3, 1]\ny = Gemm(a, b, c) {transB = 1, beta = "
     "2.0}"},
    {"gemm_trans_both", "input a float64 [4, 3]\ninput b float64 [2, 4]\ny = Gemm(a, b) {transA = 1, transB = 1}"},
    {"global_average_pool", "input x float64 [2, 3, 2, 2]\ny = GlobalAveragePool(x)"},
    {"global_max_pool", "input x float64 [2, 3, 2, 2]\ny = GlobalMaxPool(x)"},
    {"hard_sigmoid", "input x float64 [9]\ny = HardSigmoid(x) {alpha = 0.4, beta = 0.6}"},
    {"hard_swish", "input x float64 [9]\nconst k float64 [] = {3.0}\na = Mul(x, k)\ny = HardSwish(a)"},
    {"identity", "input x float64 [3]\na = Identity(x)\ny = Mul(a, x)"},
    {"instance_normalization",
     "input x float64 [2, 3, 2, 3]\ninput s float64 [3]\ninput t float64 [3]\n"
     "y = InstanceNormalization(x, s, t) {epsilon = 0.01}"},
    {"layer_normalization",
     "input x float64 [2, 3, 4]\ninput s float64 [4]\ninput t float64 [4]\n"
     "y = LayerNormalization(x, s, t) {epsilon = 0.01}"},
    {"layer_normalization_of_planes",
     "input x float64 [2, 3, 4]\ninput s float64 [3, 4]\ny = LayerNormalization(x, s) {axis = 1, epsilon = 0.01}"},
    {"leaky_relu", "input x float64 [9]\ny = LeakyRelu(x) {alpha = 0.3}"},
    {"log", "input x float64 [4]\na = Exp(x)\ny = Log(a)"},
    {"log_softmax", "input x float64 [2, 4]\ny = LogSoftmax(x)"},
    {"lrn", "input x float64 [2, 5, 3]\ny = LRN(x) {size = 3, alpha = 0.9, beta = 0.75, bias = 1.5}"},
    {"lrn_even", "input x float64 [1, 6, 2, 2]\ny = LRN(x) {size = 4, alpha = 2.0, beta = 0.5}"},
    {"matmul", "input a float64 [2, 3, 4]\ninput b float64 [4, 2]\ny = MatMul(a, b)"},
    {"matmul_batched", "input a float64 [2, 1, 3, 4]\ninput b float64 [3, 4, 2]\ny = MatMul(a, b)"},
    {"max", "input a float64 [5]\ninput b float64 [5]\ninput c float64 [5]\ny = Max(a, b, c)"},
    {"max_pool",
     "input x float64 [2, 2, 6, 5]\n"
     "y = MaxPool(x) {kernel_shape = [3, 2], strides = [2, 1], pads = [1, 0, 1, 1]}"},
    {"max_pool_ceil", "input x float64 [1, 2, 8]\ny = MaxPool(x) {kernel_shape = [3], strides = [2], ceil_mode = 1}"},
    {"mean", "input a float64 [2, 3]\ninput b float64 [3]\ny = Mean(a, b)"},
    {"min", "input a float64 [5]\ninput b float64 [5]\ny = Min(a, b)"},
    {"mul", "input a float64 [2, 3]\ninput b float64 [2, 1]\ny = Mul(a, b)"},
    {"neg", "input x float64 [3]\ny = Neg(x)"},
    {"pad", "input x float64 [2, 3]\nconst p int64 [4] = {1, -1, 0, 2}\ny = Pad(x, p)"},
    {"pow", "input x float64 [4]\nconst p float64 [] = {2.5}\na = Exp(x)\ny = Pow(a, p)"},
    {"pow_of_both", "input x float64 [4]\ninput p float64 [4]\na = Exp(x)\ny = Pow(a, p)"},
    {"prelu", "input x float64 [2, 3, 4]\ninput s float64 [3, 1]\ny = PRelu(x, s)"},
    {"reduce_max", "input x float64 [2, 3, 4]\nconst a int64 [2] = {0, -1}\ny = ReduceMax(x, a)"},
    {"reduce_mean", "input x float64 [2, 3, 4]\nconst a int64 [1] = {1}\ny = ReduceMean(x, a) {keepdims = 0}"},
    {"reduce_sum", "input x float64 [2, 3]\ny = ReduceSum(x) {keepdims = 0}"},
    {"relu", "input x float64 [9]\ny = Relu(x)"},
    {"reshape", "input x float64 [2, 6]\nconst s int64 [3] = {3, -1, 2}\na = Reshape(x, s)\ny = Mul(a, a)"},
    {"resize_linear",
     "input x float64 [1, 2, 3, 4]\nconst s float32 [4] = {1.0, 1.0, 2.0, 1.5}\n"
     "y = Resize(x, , s) {mode = \"linear\", coordinate_transformation_mode = \"align_corners\"}"},
    {"resize_nearest", "input x float64 [1, 2, 3]\nconst n int64 [3] = {1, 2, 7}\ny = Resize(x, , , n)"},
    {"selu", "input x float64 [9]\ny = Selu(x)"},
    {"sigmoid", "input x float64 [5]\ny = Sigmoid(x)"},
    {"slice", "input x float64 [4, 5]\nconst b int64 [2] = {1, -4}\nconst e int64 [2] = {3, 9}\ny = Slice(x, b, e)"},
    {"slice_steps",
     "input x float64 [7, 5, 4]\nconst b int64 [3] = {1, -1, 9}\nconst e int64 [3] = {7, -9, -9}\n"
     "const a int64 [3] = {0, 1, 2}\nconst s int64 [3] = {2, -3, -1}\ny = Slice(x, b, e, a, s)"},
    {"slice_steps_far",
     "input x float64 [2, 4]\nconst b int64 [2] = {0, 3}\nconst e int64 [2] = {2, 4}\nconst a int64 [2] = {0, 1}\n"
     "const s int64 [2] = {9223372036854775807, 5}\ny = Slice(x, b, e, a, s)"},
    {"softmax", "input x float64 [2, 3, 2]\ny = Softmax(x) {axis = 1}"},
    {"softmax_cross_entropy",
     "input x float64 [3, 4]\nconst l int64 [3] = {1, 3, 0}\nconst w float64 [4] = {1.0, 0.5, 2.0, 3.0}\n"
     "y = SoftmaxCrossEntropy(x, l, w) {label_smoothing = 0.1}"},
    {"softmax_cross_entropy_of_positions",
     "input x float64 [2, 3, 2]\nconst l int32 [2, 2] = {1, 2, 0, -1}\n"
     "y = SoftmaxCrossEntropy(x, l) {ignore_index = -1, divisor = \"batch\"}"},
    {"softplus", "input x float64 [5]\ny = Softplus(x)"},
    {"space_to_depth", "input x float64 [1, 2, 4, 2]\ny = SpaceToDepth(x) {blocksize = 2}"},
    {"split", "input x float64 [2, 5]\nconst s int64 [2] = {2, 3}\na, b = Split(x, s) {axis = 1}\ny = Mul(b, b)"},
    {"sqrt", "input x float64 [4]\na = Exp(x)\ny = Sqrt(a)"},
    {"squeeze", "input x float64 [2, 1, 3]\nconst a int64 [1] = {1}\nb = Squeeze(x, a)\ny = Mul(b, b)"},
    {"sub", "input a float64 [3]\ninput b float64 [2, 3]\ny = Sub(a, b)"},
    {"sum", "input a float64 [3]\ninput b float64 [2, 1]\ny = Sum(a, b, a)"},
    {"swish", "input x float64 [5]\ns = Sigmoid(x)\ny = Mul(x, s)"},
    {"swish_node", "input x float64 [5]\ny = Swish(x)"},
    {"tanh", "input x float64 [5]\ny = Tanh(x)"},
    {"tile", "input x float64 [2, 1, 3]\nconst r int64 [3] = {3, 2, 1}\na = Tile(x, r)\ny = Mul(a, a)"},
    {"transpose", "input x float64 [2, 3, 4]\na = Transpose(x) {perm = [2, 0, 1]}\ny = Mul(a, a)"},
    {"transpose_reversed", "input x float64 [2, 3]\na = Transpose(x)\ny = Mul(a, a)"},
    {"unsqueeze", "input x float64 [3]\nconst a int64 [1] = {0}\nb = Unsqueeze(x, a)\ny = Mul(b, b)"},
    {"where",
     "input a float64 [2, 2]\ninput b float64 [2]\nconst c bool [2, 2] = {1, 0, 0, 1}\ny = Where(c, a, "
     "b)"},
};

Tensor RandomDoubles(const Shape& shape, int seed) { return *CastTo(RandomTensor(shape, seed), DType::kFloat64); }

// A case with a loss of one element that depends on every element of y alike.
struct Problem {
  Graph graph;
  ValueId loss;
  std::vector<Tensor> inputs;
};

Problem MakeProblem(const char* text) {
  Problem problem;
  problem.graph = Parse(std::string("graph g\n") + text);
  Graph& graph = problem.graph;
  EXPECT_OK(InferShapes(graph, true));
  const ValueId y = graph.FindValue("y");
  const Tensor weights = RandomDoubles(ToShape(*graph.value(y).type.shape), 1000);
  const ValueId product = graph.AddValue("product"), loss = graph.AddValue("loss");
  graph.AddNode({"product", "Mul", {y, graph.AddConstant("weights", weights)}, {product}, {}});
  graph.AddNode({"loss", "ReduceSum", {product}, {loss}, {{"keepdims", int64_t{0}}}});
  EXPECT_OK(InferShapes(graph, true));
  problem.loss = loss;
  for (const ValueId input : graph.inputs()) {
    problem.inputs.push_back(RandomDoubles(ToShape(*graph.value(input).type.shape), 1 + input));
  }
  return problem;
}

double LossAt(const Problem& problem, const std::vector<Tensor>& inputs) {
  Graph graph = problem.graph;
  graph.AddOutput(problem.loss);
  const auto outputs = RunGraph(graph, inputs, ReferenceBackend(), {.publish = false});
  EXPECT_OK(outputs);
  return outputs.ok() ? (*outputs)[0].values<double>()[0] : NAN;
}

std::vector<Tensor> Gradients(const Problem& problem) {
  Graph graph = problem.graph;
  const auto gradients = Differentiate(graph, problem.loss, graph.inputs());
  EXPECT_OK(gradients);
  if (!gradients.ok()) return {};
  for (const ValueId gradient : *gradients) graph.AddOutput(gradient);
  EXPECT_OK(VerifyStructure(graph));
  const auto outputs = RunGraph(graph, problem.inputs, ReferenceBackend(), {.publish = false});
  EXPECT_OK(outputs);
  return outputs.ok() ? *outputs : std::vector<Tensor>();
}

Tensor Copy(const Tensor& tensor) {
  Tensor copy = *Tensor::Create(tensor.dtype(), tensor.shape());
  std::memcpy(copy.mutable_bytes(), tensor.bytes(), tensor.byte_size());
  return copy;
}

class GradientTest : public ::testing::TestWithParam<Case> {};

// The error of a central difference is h^2 times a third derivative, here 1e-10, and that of rounding 1e-16 / h: both
// are far below the tolerance, any wrong factor far above.
TEST_P(GradientTest, IsTheFiniteDifference) {
  constexpr double kStep = 1e-5, kTolerance = 1e-7;
  const Problem problem = MakeProblem(GetParam().text);
  const std::vector<Tensor> gradients = Gradients(problem);
  ASSERT_EQ(gradients.size(), problem.inputs.size());
  for (size_t i = 0; i < problem.inputs.size(); ++i) {
    ASSERT_EQ(gradients[i].shape(), problem.inputs[i].shape());
    for (int64_t e = 0; e < problem.inputs[i].num_elements(); ++e) {
      std::vector<Tensor> inputs = problem.inputs;
      inputs[i] = Copy(inputs[i]);
      double& x = inputs[i].mutable_values<double>()[e];
      const double at = x;
      x = at + kStep;
      const double above = LossAt(problem, inputs);
      x = at - kStep;
      const double below = LossAt(problem, inputs);
      const double expected = (above - below) / (2 * kStep);
      EXPECT_NEAR(gradients[i].values<double>()[e], expected, kTolerance * (1 + std::abs(expected)))
          << "input " << i << " element " << e;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, GradientTest, ::testing::ValuesIn(kCases),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(GradientTableTest, EveryRuleIsTested) {
  std::set<std::string> tested;
  for (const Case& one : kCases) {
    const Graph graph = Parse(std::string("graph g\n") + one.text);
    for (const Node& node : graph.nodes()) tested.insert(node.op);
  }
  for (const GradientEntry& entry : AllGradients()) {
    EXPECT_NE(FindOp(entry.op), nullptr) << entry.op;
    EXPECT_EQ(tested.count(entry.op), 1u) << entry.op;
  }
}

TEST(DifferentiateTest, ValuesThatTheLossDoesNotDependOnHaveNoGradient) {
  Graph graph = Parse("graph g\ninput x float32 [2]\ninput z float32 [2]\ny = ReduceSum(x) {keepdims = 0}");
  ASSERT_OK(InferShapes(graph, true));
  const auto gradients = Differentiate(graph, graph.FindValue("y"), graph.inputs());
  ASSERT_OK(gradients);
  EXPECT_NE((*gradients)[0], kNoValue);
  EXPECT_EQ((*gradients)[1], kNoValue);
}

TEST(DifferentiateTest, WhatHasNoGradientIsNamed) {
  Graph graph =
      Parse("graph g\ninput x float32 [1, 4]\na = ArgMax(x)\nb = Cast(a) {to = \"float32\"}\ny = ReduceSum(b)");
  ASSERT_OK(InferShapes(graph, true));
  const auto cast = Differentiate(graph, graph.FindValue("y"), graph.inputs());
  ASSERT_OK(cast) << "a cast of whole numbers ends the way";
  EXPECT_EQ((*cast)[0], kNoValue);

  Graph fused = Parse("graph g\ninput x float32 [2, 2]\na = FusedGemm(x, x)\ny = ReduceSum(a) {keepdims = 0}");
  ASSERT_OK(InferShapes(fused, true));
  EXPECT_THAT(Differentiate(fused, fused.FindValue("y"), fused.inputs()),
              StatusIs(absl::StatusCode::kUnimplemented, HasSubstr("node 'a' (FusedGemm)")));
}

TEST(DifferentiateTest, TheLossIsOneFloat) {
  Graph graph = Parse("graph g\ninput x float32 [2]\ny = Neg(x)");
  ASSERT_OK(InferShapes(graph, true));
  EXPECT_THAT(Differentiate(graph, graph.FindValue("y"), graph.inputs()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected one float, got float32 [2]")));
}

}  // namespace
}  // namespace beak
