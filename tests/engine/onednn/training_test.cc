#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/base/cpu.h"
#include "engine/onednn/backend.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"

// The fast kernels of what only training computes: every case runs on CpuBackend and on the reference kernels. The
// convolutions in front make the layouts in which networks meet these operators; workspaces are filled with NaN first.
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
  const char* body;        // inputs, nodes and outputs
  const char* kernel;      // that one of the steps must have
  bool avx2_only = false;  // it is chosen on AVX2 alone
  Isa at_least = Isa::kSse2;
  // Of sums of some hundred products of numbers around 1, in another order.
  double tolerance = 1e-4;
};

// Winograd's error is some 1e-6 of the sum of magnitudes, here up to 300: ten times that of the plain sum.
constexpr double kWinogradTolerance = 1e-3;

const Case kCases[] = {
    {"norm_of_blocks",
     "input x float32 [3, 3, 9, 7]\ninput s float32 [20]\ninput b float32 [20]\n"
     "const w float32 [20, 3, 3, 3] = fill 1.0\nc = Conv(x, w)\n"
     "y, m, v = BatchNormalizationTraining(c, s, b)\noutput y\noutput m\noutput v",
     "simd batch norm"},
    {"norm_with_residual_and_relu",
     "input x float32 [2, 3, 9, 7]\ninput s float32 [16]\ninput b float32 [16]\n"
     "const w float32 [16, 3, 3, 3] = fill 1.0\nconst u float32 [16, 3, 3, 3] = fill 1.0\nc = Conv(x, w)\nr = Conv(x, "
     "u)\ny, m, v = BatchNormalizationTraining(c, s, b, r) {activation = \"Relu\"}\noutput y\noutput m\noutput v",
     "simd batch norm"},
    {"norm_of_plain_images",
     "input x float32 [2, 5, 9, 7]\ninput s float32 [5]\ninput b float32 [5]\n"
     "y, m, v = BatchNormalizationTraining(x, s, b) {activation = \"Relu\"}\noutput y\noutput m\noutput v",
     "simd batch norm"},
    {"norm_of_features",
     "input x float32 [13, 11]\ninput s float32 [11]\ninput b float32 [11]\n"
     "y, m, v = BatchNormalizationTraining(x, s, b)\noutput y\noutput m\noutput v",
     "simd batch norm"},
    {"norm_within_bounds_without_zero",
     "input x float32 [3, 3, 9, 7]\ninput s float32 [20]\ninput b float32 [20]\n"
     "const w float32 [20, 3, 3, 3] = fill 1.0\nconst u float32 [9, 20, 1, 1] = fill 1.0\nc = Conv(x, w)\n"
     "y, m, v = BatchNormalizationTraining(c, s, b) {activation = \"Clip\", activation_alpha = 0.5, activation_beta = "
     "1.5}\nz = Conv(y, u)\noutput z\noutput m\noutput v",
     "reference", true},
    {"norm_gradient",
     "input x float32 [3, 3, 9, 7]\ninput dy float32 [3, 20, 7, 5]\ninput s float32 [20]\ninput m float32 [20]\n"
     "input v float32 [20]\nconst w float32 [20, 3, 3, 3] = fill 1.0\nc = Conv(x, w)\n"
     "dx, ds, db = BatchNormalizationGradient(c, dy, s, m, v)\noutput dx\noutput ds\noutput db",
     "simd batch norm"},
    {"norm_gradient_within_bounds",
     "input x float32 [3, 3, 9, 7]\ninput dy float32 [3, 20, 7, 5]\ninput s float32 [20]\ninput m float32 [20]\n"
     "input v float32 [20]\ninput b float32 [20]\nconst w float32 [20, 3, 3, 3] = fill 1.0\nc = Conv(x, w)\n"
     "dx, ds, db = BatchNormalizationGradient(c, dy, s, m, v, b) {activation = \"Clip\", activation_alpha = -0.5, "
     "activation_beta = 1.0}\noutput dx\noutput ds\noutput db",
     "simd batch norm"},
    {"max_pool_gradient",
     "input x float32 [3, 3, 13, 11]\ninput dy float32 [3, 20, 5, 4]\nconst w float32 [20, 3, 3, 3] = fill 1.0\n"
     "c = Conv(x, w)\ny = MaxPool(c) {kernel_shape = [2, 2], strides = [2, 2]}\n"
     "dx = MaxPoolGradient(c, y, dy) {kernel_shape = [2, 2], strides = [2, 2]}\noutput dx",
     "simd max pool"},
    {"max_pool_gradient_behind_relu",
     "input x float32 [3, 3, 13, 11]\ninput dy float32 [3, 20, 6, 5]\nconst w float32 [20, 3, 3, 3] = fill 1.0\n"
     "c = Conv(x, w)\nr = Relu(c)\ny = MaxPool(r) {kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]}\n"
     "dx = MaxPoolGradient(r, y, dy) {kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], activation = "
     "\"Relu\"}\noutput dx",
     "simd max pool"},
    {"max_pool_gradient_of_plain_images",
     "input x float32 [3, 1, 6, 5]\ninput dy float32 [3, 1, 5, 4]\ny = MaxPool(x) {kernel_shape = [2, 2]}\n"
     "dx = MaxPoolGradient(x, y, dy) {kernel_shape = [2, 2]}\noutput dx",
     "simd max pool"},
    {"average_pool_gradient",
     "input x float32 [3, 3, 9, 7]\nconst w float32 [20, 3, 3, 3] = fill 1.0\ndy = Conv(x, w)\n"
     "dx = AveragePoolGradient(dy) {kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], input_shape = [3, "
     "20, 13, 9]}\noutput dx",
     "pool gradient"},
    {"weight_gradient_of_few_channels",
     "input x float32 [3, 3, 11, 9]\nconst w float32 [20, 3, 3, 3] = fill 1.0\ndy = Conv(x, w) {strides = [2, 2]}\n"
     "dw, db = ConvWeightGradient(x, dy) {kernel_shape = [3, 3], strides = [2, 2], weight_shape = [20, 3, 3, "
     "3]}\noutput dw\noutput db",
     "simd image gradient", true},
    {"weight_gradient_of_blocks",
     "input x float32 [3, 3, 13, 11]\nconst w float32 [20, 3, 3, 3] = fill 1.0\n"
     "const u float32 [12, 20, 3, 3] = fill 1.0\nc = Conv(x, w)\ndy = Conv(c, u) {pads = [1, 1, 1, 1]}\n"
     "dw, db = ConvWeightGradient(c, dy) {kernel_shape = [3, 3], pads = [1, 1, 1, 1], weight_shape = [12, 20, 3, "
     "3]}\noutput dw\noutput db",
     "simd weight gradient", true},
    {"weight_gradient_with_strides_and_dilations",
     "input x float32 [2, 3, 13, 11]\nconst w float32 [16, 3, 3, 3] = fill 1.0\n"
     "const u float32 [24, 16, 3, 2] = fill 1.0\nc = Conv(x, w)\ndy = Conv(c, u) {strides = [2, 1], dilations = [2, "
     "3], pads = [2, 0, 1, 3]}\n"
     "dw = ConvWeightGradient(c, dy) {kernel_shape = [3, 2], strides = [2, 1], dilations = [2, 3], pads = [2, 0, 1, "
     "3], weight_shape = [24, 16, 3, 2]}\noutput dw",
     "simd weight gradient", true},
    {"winograd_of_filters_that_change",
     "input x float32 [2, 32, 16, 12]\ninput w float32 [48, 32, 3, 3]\ninput b float32 [48]\n"
     "y = Conv(x, w, b) {pads = [1, 1, 1, 1]}\noutput y",
     "simd winograd", false, Isa::kAvx2, kWinogradTolerance},
    {"winograd_input_gradient",
     "input dy float32 [2, 48, 15, 12]\ninput w float32 [48, 32, 3, 3]\n"
     "dx = ConvInputGradient(dy, w) {kernel_shape = [3, 3], pads = [1, 2, 0, 0], input_shape = [2, 32, 16, "
     "12]}\noutput dx",
     "simd winograd", false, Isa::kAvx2, kWinogradTolerance},
    {"winograd_input_gradient_dilated",
     "input dy float32 [2, 32, 16, 22]\ninput w float32 [32, 32, 3, 3]\n"
     "dx = ConvInputGradient(dy, w) {kernel_shape = [3, 3], pads = [2, 2, 2, 2], dilations = [2, 2], input_shape = [2, "
     "32, 16, 22]}\noutput dx",
     "simd winograd", false, Isa::kAvx2, kWinogradTolerance},
    {"weight_gradient_of_points",
     "input x float32 [2, 16, 6, 5]\ninput dy float32 [2, 24, 6, 5]\n"
     "dw, db = ConvWeightGradient(x, dy) {kernel_shape = [1, 1], weight_shape = [24, 16, 1, 1]}\noutput dw\noutput db",
     "onednn"},
};

Graph GraphOf(const Case& c) {
  Graph graph = Parse(std::string("graph g\n") + c.body + "\n");
  RandomizeConstants(graph, 17);
  return graph;
}

std::vector<Tensor> InputsOf(const Graph& graph) {
  std::vector<Tensor> inputs;
  for (const ValueId id : graph.inputs()) {
    inputs.push_back(RandomTensor(ToShape(*graph.value(id).type.shape), static_cast<int>(inputs.size()) + 1));
    if (graph.value(id).name != "v") continue;  // variances are not negative
    for (float& value : inputs.back().mutable_values<float>()) value = 0.5f + value * value;
  }
  return inputs;
}

class TrainingKernelTest : public ::testing::TestWithParam<Case> {
 protected:
  std::vector<Tensor> Run(const std::vector<Tensor>& inputs, const Backend& backend, int threads) const {
    auto outputs = RunGraph(GraphOf(GetParam()), inputs, backend, {.threads = threads, .publish = false});
    EXPECT_THAT(outputs, IsOk());
    return outputs.ok() ? *std::move(outputs) : std::vector<Tensor>();
  }
};

TEST_P(TrainingKernelTest, AgreesWithTheReference) {
  const std::vector<Tensor> inputs = InputsOf(GraphOf(GetParam()));
  const std::vector<Tensor> expected = Run(inputs, ReferenceBackend(), 1);
  for (const int threads : {1, 2}) {
    const std::vector<Tensor> actual = Run(inputs, CpuBackend(), threads);
    ASSERT_EQ(actual.size(), expected.size());
    for (size_t i = 0; i < actual.size(); ++i) {
      EXPECT_LE(Disagreement(actual[i], expected[i], GetParam().tolerance, GetParam().tolerance), 1.0)
          << "output " << i << ", " << threads;
    }
  }
}

TEST_P(TrainingKernelTest, HasTheSameBitsAgain) {
  const std::vector<Tensor> inputs = InputsOf(GraphOf(GetParam()));
  const std::vector<Tensor> once = Run(inputs, CpuBackend(), 2), again = Run(inputs, CpuBackend(), 2);
  ASSERT_EQ(once.size(), again.size());
  for (size_t i = 0; i < once.size(); ++i) EXPECT_TRUE(SameBits(once[i], again[i])) << "output " << i;
}

// A run that has gone wrong must show: loops may spread NaN further than the reference, but not lose it.
TEST_P(TrainingKernelTest, LosesNoNan) {
  std::vector<Tensor> inputs = InputsOf(GraphOf(GetParam()));
  const auto values = inputs[0].mutable_values<float>();
  values[values.size() / 2] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Tensor> expected = Run(inputs, ReferenceBackend(), 1), actual = Run(inputs, CpuBackend(), 2);
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    for (size_t j = 0; j < expected[i].values<float>().size(); ++j) {
      if (std::isnan(expected[i].values<float>()[j])) {
        ASSERT_TRUE(std::isnan(actual[i].values<float>()[j])) << "output " << i << ", element " << j;
      }
    }
  }
}

TEST_P(TrainingKernelTest, GetsTheFastKernel) {
  if (GetParam().avx2_only && BestIsa() != Isa::kAvx2) {
    GTEST_SKIP() << "chosen on AVX2 alone; this machine's is " << IsaName(BestIsa());
  }
  if (BestIsa() < GetParam().at_least) {
    GTEST_SKIP() << "chosen from " << IsaName(GetParam().at_least) << " on; this machine's is " << IsaName(BestIsa());
  }
  const Graph graph = GraphOf(GetParam());
  std::vector<Shape> shapes;
  for (const Tensor& input : InputsOf(graph)) shapes.push_back(input.shape());
  EXPECT_THAT(KernelNames(graph, shapes, CpuBackend()), Contains(StartsWith(GetParam().kernel)));
}

INSTANTIATE_TEST_SUITE_P(Cases, TrainingKernelTest, ::testing::ValuesIn(kCases),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace beak
