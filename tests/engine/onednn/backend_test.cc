#include "engine/onednn/backend.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "engine/base/cpu.h"
#include "engine/passes/passes.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

// One conformance suite for the fast kernels: every case runs on CpuBackend and on the reference kernels, and must
// agree; every row must have the same bits whatever batch it is in. Workspaces are filled with NaN first.
namespace beak {
namespace {

using ::beak::testing::Disagreement;
using ::beak::testing::IsOk;
using ::beak::testing::KernelNames;
using ::beak::testing::Parse;
using ::beak::testing::RandomizeConstants;
using ::beak::testing::RandomTensor;
using ::beak::testing::RunGraph;
using ::beak::testing::SameBits;
using ::testing::Contains;
using ::testing::StartsWith;

struct Case {
  const char* name;
  Shape row;                      // of the one input x, without the batch dimension
  const char* body;               // constants and nodes from x to y
  const char* kernel = "onednn";  // what the profile must show for one of the steps: the fast kernel was really tested
  bool avx2_only = false;         // it is chosen on AVX2 alone
  Isa at_least = Isa::kSse2;      // where it is chosen
};

const Case kCases[] = {
    {"conv", {8, 9, 9}, "const w float32 [12, 8, 3, 3] = fill 1.0\ny = Conv(x, w)"},
    {"conv_bias_pads_strides",
     {3, 17, 15},
     "const w float32 [20, 3, 5, 3] = fill 1.0\nconst b float32 [20] = fill 1.0\n"
     "y = Conv(x, w, b) {pads = [2, 1, 1, 0], strides = [2, 3]}"},
    {"conv_same_upper",
     {4, 8, 8},
     "const w float32 [4, 4, 3, 3] = fill 1.0\ny = Conv(x, w) {auto_pad = \"SAME_UPPER\", strides = [2, 2]}"},
    {"conv_dilated",
     {16, 20, 20},
     "const w float32 [16, 16, 3, 3] = fill 1.0\ny = Conv(x, w) {pads = [4, 4, 4, 4], dilations = [4, 4]}"},
    {"conv_grouped", {12, 7, 7}, "const w float32 [18, 4, 3, 3] = fill 1.0\ny = Conv(x, w) {group = 3}"},
    {"conv_depthwise",
     {24, 14, 14},
     "const w float32 [24, 1, 3, 3] = fill 1.0\ny = Conv(x, w) {group = 24, pads = [1, 1, 1, 1]}"},
    {"conv_depthwise_multiplier", {6, 9, 9}, "const w float32 [12, 1, 3, 3] = fill 1.0\ny = Conv(x, w) {group = 6}"},
    {"conv_pointwise", {33, 10, 10}, "const w float32 [65, 33, 1, 1] = fill 1.0\ny = Conv(x, w)"},
    {"conv_1d",
     {10, 50},
     "const w float32 [7, 10, 5] = fill 1.0\nconst b float32 [7] = fill 1.0\ny = Conv(x, w, b) {pads = [2, 2]}"},
    {"conv_relu", {8, 9, 9}, "const w float32 [25, 8, 3, 3] = fill 1.0\na = Conv(x, w)\ny = Relu(a)"},
    {"conv_leaky",
     {8, 9, 9},
     "const w float32 [25, 8, 3, 3] = fill 1.0\na = Conv(x, w)\ny = LeakyRelu(a) {alpha = 0.3}"},
    {"conv_clip",
     {8, 9, 9},
     "const w float32 [25, 8, 3, 3] = fill 1.0\nconst l float32 [] = {-0.5}\nconst h float32 [] = {0.75}\n"
     "a = Conv(x, w)\ny = Clip(a, l, h)"},
    {"conv_sigmoid", {8, 9, 9}, "const w float32 [8, 8, 3, 3] = fill 1.0\na = Conv(x, w)\ny = Sigmoid(a)"},
    {"conv_tanh", {8, 9, 9}, "const w float32 [8, 8, 3, 3] = fill 1.0\na = Conv(x, w)\ny = Tanh(a)"},
    {"conv_elu", {8, 9, 9}, "const w float32 [8, 8, 3, 3] = fill 1.0\na = Conv(x, w)\ny = Elu(a) {alpha = 0.7}"},
    {"conv_hardswish", {8, 9, 9}, "const w float32 [8, 8, 3, 3] = fill 1.0\na = Conv(x, w)\ny = HardSwish(a)"},
    {"conv_swish", {8, 9, 9}, "const w float32 [8, 8, 3, 3] = fill 1.0\na = Conv(x, w)\ns = Sigmoid(a)\ny = Mul(a, s)"},
    {"conv_softplus", {8, 9, 9}, "const w float32 [8, 8, 3, 3] = fill 1.0\na = Conv(x, w)\ny = Softplus(a)"},
    {"conv_residual_relu",
     {25, 9, 9},
     "const w float32 [25, 25, 3, 3] = fill 1.0\nx1 = Neg(x)\na = Conv(x1, w) {pads = [1, 1, 1, 1]}\n"
     "b = Add(a, x1)\ny = Relu(b)"},
    {"conv_chain_of_odd_channels",
     {3, 16, 16},
     "const w1 float32 [25, 3, 3, 3] = fill 1.0\nconst w2 float32 [37, 25, 3, 3] = fill 1.0\n"
     "const w3 float32 [5, 37, 1, 1] = fill 1.0\na = Conv(x, w1)\nb = Relu(a)\nc = Conv(b, w2)\nd = Sigmoid(c)\ny = "
     "Conv(d, w3)"},
    {"conv_transpose",
     {6, 7, 7},
     "const w float32 [6, 9, 3, 3] = fill 1.0\nconst b float32 [9] = fill 1.0\n"
     "y = ConvTranspose(x, w, b) {strides = [2, 2], pads = [1, 1, 1, 1]}"},
    {"conv_transpose_grouped",
     {8, 7, 7},
     "const w float32 [8, 3, 2, 3] = fill 1.0\ny = ConvTranspose(x, w) {group = 4, strides = [1, 2]}"},
    {"conv_transpose_output_padding",
     {4, 5, 5},
     "const w float32 [4, 4, 3, 3] = fill 1.0\n"
     "y = ConvTranspose(x, w) {strides = [2, 2], pads = [1, 1, 1, 1], output_padding = [1, 1]}"},
    {"max_pool", {25, 13, 13}, "y = MaxPool(x) {kernel_shape = [3, 3], strides = [2, 2], pads = [1, 0, 0, 1]}"},
    {"max_pool_ceil", {8, 14, 14}, "y = MaxPool(x) {kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1}"},
    {"average_pool", {8, 13, 13}, "y = AveragePool(x) {kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]}"},
    {"average_pool_counting_pads",
     {8, 13, 13},
     "y = AveragePool(x) {kernel_shape = [3, 3], pads = [1, 1, 1, 1], count_include_pad = 1}"},
    {"pool_behind_conv",
     {3, 20, 20},
     "const w float32 [25, 3, 3, 3] = fill 1.0\na = Conv(x, w)\nb = MaxPool(a) {kernel_shape = [2, 2], strides = [2, "
     "2]}\n"
     "y = AveragePool(b) {kernel_shape = [2, 2]}"},
    {"max_pool_of_blocks",
     {3, 15, 15},
     "const w float32 [25, 3, 3, 3] = fill 1.0\na = Conv(x, w)\n"
     "y = MaxPool(a) {kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]}",
     "simd max pool",
     true},
    {"global_pools", {40, 7, 9}, "a = GlobalAveragePool(x)\nb = GlobalMaxPool(x)\ny = Sub(a, b)"},
    {"global_pool_behind_conv",
     {8, 9, 9},
     "const w float32 [50, 8, 3, 3] = fill 1.0\na = Conv(x, w)\nb = GlobalAveragePool(a)\ny = Flatten(b)"},
    {"flatten_behind_conv", {8, 9, 9}, "const w float32 [25, 8, 3, 3] = fill 1.0\na = Conv(x, w)\ny = Flatten(a)"},
    {"batch_norm_relu_conv",
     {20, 9, 9},
     "const s float32 [20] = fill 1.0\nconst t float32 [20] = fill 1.0\nconst m float32 [20] = fill 1.0\n"
     "const var float32 [20] = fill 1.0\nconst w float32 [8, 20, 3, 3] = fill 1.0\na = BatchNormalization(x, s, t, m, "
     "var)\nb = Relu(a)\ny = Conv(b, w)"},
    {"lrn", {20, 6, 6}, "y = LRN(x) {size = 5, alpha = 0.1, beta = 0.75, bias = 2.0}"},
    {"softmax", {33}, "y = Softmax(x)"},
    {"softmax_channels", {5, 6, 7}, "y = Softmax(x) {axis = 1}"},
    {"log_softmax", {33}, "y = LogSoftmax(x)"},
    {"concat_of_convs",
     {8, 9, 9},
     "const w1 float32 [16, 8, 3, 3] = fill 1.0\nconst w2 float32 [9, 8, 3, 3] = fill 1.0\na = Conv(x, w1)\nb = "
     "Conv(x, w2)\n"
     "y = Concat(a, b) {axis = 1}"},
    {"concat_plain_and_conv",
     {8, 9, 9},
     "const w float32 [24, 8, 1, 1] = fill 1.0\na = Conv(x, w)\nb = Relu(a)\nc = Concat(x, b) {axis = 1}\n"
     "const v float32 [8, 32, 3, 3] = fill 1.0\ny = Conv(c, v)"},
    {"binary_channels_behind_conv",
     {8, 9, 9},
     "const w float32 [25, 8, 3, 3] = fill 1.0\nconst s float32 [1, 9, 9] = fill 1.0\na = Conv(x, w) {pads = [1, 1, 1, "
     "1]}\n"
     "y = Mul(a, s)"},
    {"binary_squeeze_excite",
     {8, 9, 9},
     "const w float32 [16, 8, 3, 3] = fill 1.0\na = Conv(x, w)\nb = GlobalAveragePool(a)\nc = Sigmoid(b)\ny = Mul(c, "
     "a)"},
    {"binary_scalar",
     {8, 9},
     "const k float32 [] = {3.0}\na = Sub(x, k)\nb = Sub(k, a)\nc = Div(b, k)\nd = Max(c, k)\ny = Min(d, x)"},
    {"eltwise_chain",
     {50},
     "a = Abs(x)\nb = Sqrt(a)\nc = Exp(b)\nd = Tanh(c)\ne = Elu(d)\nf = HardSwish(e)\ny = Softplus(f)"},
    {"gemm",
     {50},
     "const w float32 [50, 70] = fill 1.0\nconst b float32 [70] = fill 1.0\ny = Gemm(x, w, b)",
     "simd gemm"},
    {"gemm_relu", {50}, "const w float32 [70, 50] = fill 1.0\na = Gemm(x, w) {transB = 1}\ny = Relu(a)", "simd gemm"},
    {"matmul_ranks", {4, 9}, "const w float32 [9, 20] = fill 1.0\ny = MatMul(x, w)", "simd gemm"},
    {"pointwise_net",
     {3, 20, 20},
     "const w1 float32 [40, 3, 3, 3] = fill 1.0\nconst w2 float32 [72, 40, 1, 1] = fill 1.0\nconst w3 float32 [40, 72, "
     "1, 1] = fill 1.0\n"
     "a = Conv(x, w1) {strides = [2, 2]}\nb = Relu(a)\nc = Conv(b, w2)\nd = Relu(c)\ne = Conv(d, w3)\nf = Add(e, b)\ny "
     "= Relu(f)"},
    {"winograd",
     {32, 19, 13},
     "const w float32 [48, 32, 3, 3] = fill 1.0\nconst b float32 [48] = fill 1.0\n"
     "a = Conv(x, w, b) {pads = [1, 1, 1, 1]}\ny = Relu(a)",
     "simd winograd",
     false,
     Isa::kAvx2},
    {"winograd_residual",
     {32, 14, 14},
     "const w1 float32 [32, 32, 3, 3] = fill 1.0\nconst w2 float32 [32, 32, 3, 3] = fill 1.0\n"
     "a = Conv(x, w1) {pads = [1, 1, 1, 1]}\nb = Relu(a)\nc = Conv(b, w2) {pads = [1, 1, 1, 1]}\nd = Add(c, x)\ny = "
     "Relu(d)",
     "simd winograd",
     false,
     Isa::kAvx2},
    {"winograd_between_others",
     {3, 28, 30},
     "const w1 float32 [32, 3, 3, 3] = fill 1.0\nconst w2 float32 [64, 32, 3, 3] = fill 1.0\nconst w3 float32 [16, 64, "
     "1, 1] = fill 1.0\n"
     "a = Conv(x, w1) {pads = [0, 1, 2, 1]}\nb = Conv(a, w2)\nc = MaxPool(b) {kernel_shape = [2, 2], strides = [2, "
     "2]}\ny "
     "= Conv(c, w3)",
     "simd winograd",
     false,
     Isa::kAvx2},
    {"dense_net",
     {3, 12, 12},
     "const w1 float32 [12, 3, 3, 3] = fill 1.0\nconst w2 float32 [12, 12, 3, 3] = fill 1.0\nconst w3 float32 [12, 24, "
     "3, 3] = fill 1.0\n"
     "a = Conv(x, w1) {pads = [1, 1, 1, 1]}\nb = Relu(a)\nc = Conv(b, w2) {pads = [1, 1, 1, 1]}\nd = Concat(a, c) "
     "{axis = 1}\ne = Relu(d)\n"
     "y = Conv(e, w3) {pads = [1, 1, 1, 1]}"},
};

Graph GraphOf(const Case& c) {
  std::string text = "graph g\ninput x float32 [n";
  for (const int64_t dim : c.row) text += ", " + std::to_string(dim);
  Graph graph = Parse(text + "]\n" + c.body + "\noutput y\n");
  RandomizeConstants(graph, 17);
  return graph;
}

Shape Batch(const Shape& row, int64_t rows) {
  Shape shape = {rows};
  shape.insert(shape.end(), row.begin(), row.end());
  return shape;
}

Tensor Row(const Tensor& batch, int64_t row) {
  Shape shape = batch.shape();
  const size_t bytes = batch.byte_size() / static_cast<size_t>(shape[0]);
  shape[0] = 1;
  Tensor tensor = *Tensor::Create(batch.dtype(), shape);
  std::memcpy(tensor.mutable_bytes(), batch.bytes() + bytes * static_cast<size_t>(row), bytes);
  return tensor;
}

class BackendTest : public ::testing::TestWithParam<Case> {};

TEST_P(BackendTest, AgreesWithTheReference) {
  for (const int threads : {1, 2}) {
    for (const int64_t rows : {1, 3}) {
      const std::vector<Tensor> inputs = {RandomTensor(Batch(GetParam().row, rows), 1)};
      const auto expected = RunGraph(GraphOf(GetParam()), inputs, ReferenceBackend(), {.publish = false});
      const auto actual = RunGraph(GraphOf(GetParam()), inputs, CpuBackend(), {.threads = threads});
      ASSERT_THAT(expected, IsOk());
      ASSERT_THAT(actual, IsOk());
      // Sums of up to a thousand products in another order, and oneDNN's polynomials for exp and tanh: 1e-4 of numbers
      // around 1.
      EXPECT_LE(Disagreement((*actual)[0], (*expected)[0], 1e-4, 1e-4), 1.0)
          << threads << " threads, " << rows << " rows";
    }
  }
}

TEST_P(BackendTest, ARowHasTheSameBitsInEveryBatch) {
  const Tensor all = RandomTensor(Batch(GetParam().row, 8), 2);
  const auto together = RunGraph(GraphOf(GetParam()), {all}, CpuBackend());
  ASSERT_THAT(together, IsOk());
  for (const int64_t row : {0, 3, 7}) {
    const auto alone = RunGraph(GraphOf(GetParam()), {Row(all, row)}, CpuBackend());
    ASSERT_THAT(alone, IsOk());
    EXPECT_TRUE(SameBits((*alone)[0], Row((*together)[0], row))) << "row " << row << " alone and in a batch of 8";
  }
}

TEST_P(BackendTest, NanStaysInItsRow) {
  const Tensor clean = RandomTensor(Batch(GetParam().row, 3), 3);
  Tensor poisoned = RandomTensor(Batch(GetParam().row, 3), 3);
  const auto values = poisoned.mutable_values<float>();
  for (size_t i = values.size() / 3; i < values.size() * 2 / 3; ++i) {
    values[i] = i % 2 == 0 ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
  }
  const auto expected = RunGraph(GraphOf(GetParam()), {clean}, CpuBackend());
  const auto actual = RunGraph(GraphOf(GetParam()), {poisoned}, CpuBackend());
  ASSERT_THAT(expected, IsOk());
  ASSERT_THAT(actual, IsOk());
  for (const int64_t row : {0, 2}) {
    EXPECT_TRUE(SameBits(Row((*actual)[0], row), Row((*expected)[0], row))) << "row " << row << " beside a row of NaN";
  }
}

TEST_P(BackendTest, GetsTheFastKernel) {
  if (GetParam().avx2_only && BestIsa() != Isa::kAvx2) {
    GTEST_SKIP() << "chosen on AVX2 alone; this machine's is " << IsaName(BestIsa());
  }
  if (BestIsa() < GetParam().at_least) {
    GTEST_SKIP() << "chosen from " << IsaName(GetParam().at_least) << " on; this machine's is " << IsaName(BestIsa());
  }
  Graph graph = GraphOf(GetParam());
  ASSERT_THAT(RunPublishPasses(graph, CpuBackend().evaluate), IsOk());
  EXPECT_THAT(KernelNames(graph, {Batch(GetParam().row, 2)}, CpuBackend()), Contains(StartsWith(GetParam().kernel)));
}

INSTANTIATE_TEST_SUITE_P(Cases, BackendTest, ::testing::ValuesIn(kCases),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace beak
