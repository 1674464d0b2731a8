#include <gtest/gtest.h>

#include <cmath>

#include "engine/graph/text.h"
#include "engine/onednn/backend.h"
#include "tests/engine/formats/beak/build_network.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using testing::BuildText;
using testing::FindParameter;
using ::testing::HasSubstr;
using testing::IsOkAndHolds;
using ::testing::Not;
using testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

std::string OneLayer(const std::string& shape, const std::string& kind) {
  return "input { name: 'x' shape: [" + shape + "] } layer { name: 'y' " + kind + " }";
}

// "[batch, 25, 26, 26] 250", or the error.
std::string Describe(const std::string& shape, const std::string& kind) {
  const absl::StatusOr<DescribedNetwork> network = BuildText(OneLayer(shape, kind));
  if (!network.ok()) return std::string(network.status().message());
  return ToString(network->layers[0].output) + " " + std::to_string(network->layers[0].num_parameters);
}

struct Row {
  const char* shape;
  const char* kind;
  const char* expected;
};

class LayerTest : public ::testing::TestWithParam<Row> {};

TEST_P(LayerTest, HasShapeAndParameters) {
  EXPECT_EQ(Describe(GetParam().shape, GetParam().kind), GetParam().expected) << GetParam().kind;
}

INSTANTIATE_TEST_SUITE_P(
    Convolutions, LayerTest,
    ::testing::Values(
        Row{"1, 28, 28", "conv2d { filters: 25 kernel_size: 3 }", "[batch, 25, 26, 26] 250"},
        Row{"4, 9, 9", "conv2d { filters: 6 kernel_size: [3, 1] strides: 2 padding: SAME use_bias: false }",
            "[batch, 6, 5, 5] 72"},
        Row{"4, 9, 9", "conv2d { filters: 6 kernel_size: 3 groups: 2 dilation_rate: 2 }", "[batch, 6, 5, 5] 114"},
        Row{"3, 8, 8", "conv2d { filters: 2 kernel_size: 3 strides: 2 pads: [0, 0, 1, 1] }", "[batch, 2, 4, 4] 56"},
        Row{"3, 8, 8", "conv2d { filters: 2 kernel_size: 3 pads: [1, 2] }", "[batch, 2, 8, 10] 56"},
        Row{"3, -1, -1", "conv2d { filters: 2 kernel_size: 3 padding: SAME }", "[batch, 2, x.2, x.3] 56"},
        Row{"40, 98", "conv1d { filters: 8 kernel_size: 5 strides: 2 activation: RELU }", "[batch, 8, 47] 1608"},
        Row{"4, 9, 9", "depthwise_conv2d { kernel_size: 3 }", "[batch, 4, 7, 7] 40"},
        Row{"4, 9", "depthwise_conv1d { kernel_size: 3 depth_multiplier: 2 use_bias: false }", "[batch, 8, 7] 24"},
        Row{"4, 9, 9", "separable_conv2d { filters: 5 kernel_size: 3 depth_multiplier: 2 }",
            "[batch, 5, 7, 7] 117"},  // 72 + 40 + 5
        Row{"4, 9", "separable_conv1d { filters: 5 kernel_size: 3 use_bias: false }", "[batch, 5, 7] 32"},
        // Keras' sizes: input * stride, and what of the kernel stands out with VALID.
        Row{"4, 5, 5", "conv2d_transpose { filters: 3 kernel_size: 4 strides: 2 padding: SAME }",
            "[batch, 3, 10, 10] 195"},
        Row{"4, 5, 5", "conv2d_transpose { filters: 3 kernel_size: 3 strides: 2 padding: SAME }",
            "[batch, 3, 10, 10] 111"},
        Row{"4, 5, 5", "conv2d_transpose { filters: 3 kernel_size: 4 strides: 2 }", "[batch, 3, 12, 12] 195"},
        Row{"4, 5", "conv1d_transpose { filters: 3 kernel_size: 1 strides: 2 }", "[batch, 3, 10] 15"}));

INSTANTIATE_TEST_SUITE_P(
    Others, LayerTest,
    ::testing::Values(
        Row{"10", "dense { units: 3 }", "[batch, 3] 33"},
        Row{"10", "dense { units: 3 use_bias: false activation: SOFTMAX }", "[batch, 3] 30"},
        Row{"3, 4, 5", "position_bias {}", "[batch, 3, 4, 5] 60"},
        Row{"3, 9, 9", "max_pooling2d {}", "[batch, 3, 4, 4] 0"},
        Row{"3, 9, 9", "average_pooling2d { pool_size: 3 strides: 2 padding: SAME }", "[batch, 3, 5, 5] 0"},
        Row{"3, 9", "max_pooling1d { pool_size: 3 }", "[batch, 3, 3] 0"},
        Row{"3, 9", "average_pooling1d { pool_size: 3 pads: 1 }", "[batch, 3, 3] 0"},
        Row{"3, 9, 9", "global_average_pooling {}", "[batch, 3] 0"},
        Row{"3, -1", "global_max_pooling { keepdims: true }", "[batch, 3, 1] 0"},
        Row{"3, 9, 9", "batch_normalization {}", "[batch, 3, 9, 9] 12"},
        Row{"3", "batch_normalization { scale: false }", "[batch, 3] 12"},
        Row{"3, 9, 8", "layer_normalization {}", "[batch, 3, 9, 8] 6"},
        Row{"3", "layer_normalization { center: false }", "[batch, 3] 6"},
        Row{"3, 9", "activation { kind: SWISH }", "[batch, 3, 9] 0"}, Row{"3, 9", "activation {}", "[batch, 3, 9] 0"},
        Row{"3, 4, 5", "prelu {}", "[batch, 3, 4, 5] 60"},
        Row{"3, -1, 5", "prelu { shared_axes: [2, 3] }", "[batch, 3, x.2, 5] 3"},
        Row{"6, 4", "maxout { pieces: 3 }", "[batch, 2, 4] 0"}, Row{"6, 4", "dropout { rate: 0.5 }", "[batch, 6, 4] 0"},
        Row{"6, 4", "spatial_dropout { rate: 0.5 }", "[batch, 6, 4] 0"}, Row{"3, 4, 5", "flatten {}", "[batch, 60] 0"},
        Row{"3, 4, 5", "reshape { target_shape: [-1, 10] }", "[batch, 6, 10] 0"},
        Row{"8, 3, 4", "depth_to_space { block_size: 2 }", "[batch, 2, 6, 8] 0"},
        Row{"3, 4, 5", "zero_padding {}", "[batch, 3, 6, 7] 0"},
        Row{"3, 4, 5", "zero_padding { padding: [1, 0, 2, 0] }", "[batch, 3, 7, 5] 0"},
        Row{"3, 4, 5", "up_sampling { size: [2, 3] }", "[batch, 3, 8, 15] 0"},
        Row{"3, 4", "up_sampling { interpolation: BILINEAR }", "[batch, 3, 8] 0"}));

INSTANTIATE_TEST_SUITE_P(
    Errors, LayerTest,
    ::testing::Values(
        Row{"3, 9", "conv2d { filters: 2 kernel_size: 3 }",
            "layer 'y': input: expected [channels, height, width], got [3, 9]"},
        Row{"3, 9, 9", "conv2d { filters: 2 kernel_size: [3, 3, 3] }",
            "layer 'y': kernel_size: expected 1 or 2 numbers, got 3"},
        Row{"3, 9, 9", "conv2d { filters: 4 kernel_size: 3 groups: 2 }",
            "layer 'y': groups: expected a divisor of 3 channels and 4 filters, got 2"},
        Row{"3, 9, 9", "conv2d { filters: 4 kernel_size: 3 pads: 1 padding: SAME }",
            "layer 'y': pads: expected none with padding SAME"},
        Row{"3, 2, 2", "conv2d { filters: 2 kernel_size: 3 }",
            "layer 'y': input [3, 2, 2]: node 'y/Conv' (Conv): window: expected at most 2 elements "
            "(input and pads), got 3 in "
            "spatial dimension 0"},
        Row{"-1, 9, 9", "conv2d { filters: 4 kernel_size: 3 }",
            "layer 'y': input: expected a known number of channels, got [x.1, 9, 9]"},
        Row{"3, 4", "dense { units: 3 }",
            "layer 'y': input: expected [features] (as a flatten layer makes it), got [3, 4]"},
        Row{"3, -1", "flatten {}", "layer 'y': input: expected known dimensions, got [3, x.2]"},
        Row{"6, 4", "maxout { pieces: 4 }", "layer 'y': pieces: expected a divisor of 6 channels, got 4"},
        Row{"6, 4, 4", "depth_to_space { block_size: 2 }",
            "layer 'y': block_size: expected one whose square divides 6 channels, got 2"},
        Row{"6", "spatial_dropout { rate: 0.5 }",
            "layer 'y': input: expected channels and at least one dimension of positions, got [6]"},
        Row{"6", "activation { kind: TANH alpha: 1 }", "layer 'y': alpha: expected none for TANH"},
        Row{"6", "prelu { shared_axes: 2 }", "layer 'y': shared_axes: expected 1 to 1, got 2"},
        Row{"6", "reshape { target_shape: [-1, -1] }", "layer 'y': target_shape: expected -1 once at most"},
        Row{"6", "add {}", "layer 'y': input: expected 2 to 64, got 1"},
        Row{"10", "dense { units: 3 kernel { initializer { kind: UNIFORM min: 1 } } }",
            "layer 'y': initializer.max: expected at least min 1, got 0.05"},
        Row{"1073741824", "dense { units: 16777216 }",
            "layer 'y': kernel: shape [16777216, 1073741824] of float32: expected at most 4294967296 bytes"}));

TEST(NetworkBuilderTest, BuildsAGraphThatReadsLikeTheDescription) {
  ASSERT_OK_AND_ASSIGN(const DescribedNetwork network, BuildText(R"(
    name: "small" input { name: "image" shape: [1, 8, 8] }
    layer { name: "conv" conv2d { filters: 2 kernel_size: 3 activation: RELU } }
    layer { name: "flat" flatten {} }
    layer { name: "out" dense { units: 3 } })"));
  EXPECT_EQ(PrintGraph(network.graph), R"(graph small
input image float32 [batch, 1, 8, 8]
const conv/kernel float32 [2, 1, 3, 3]
const conv/bias float32 [2]
const out/kernel float32 [3, 72]
const out/bias float32 [3]
conv/Conv = Conv(image, conv/kernel, conv/bias) {dilations = [1, 1], group = 1, kernel_shape = [3, 3], pads = [0, 0, 0, 0], strides = [1, 1]}
conv = Relu(conv/Conv)
flat = Flatten(conv)
out = Gemm(flat, out/kernel, out/bias) {transB = 1}
output out
)");
}

TEST(NetworkBuilderTest, WritesAnyDirectedGraph) {
  ASSERT_OK_AND_ASSIGN(const DescribedNetwork network, BuildText(R"(
    input { name: "a" shape: [4] } input { name: "b" shape: [4] }
    layer { name: "sum" input: "a" input: "b" input: "a" add {} }
    layer { name: "both" input: "sum" input: "late" concatenate {} }
    layer { name: "late" input: "b" activation { kind: TANH } }
    layer { name: "product" input: "a" input: "sum" multiply {} }
    layer { name: "largest" input: "a" input: "b" maximum {} }
    output: "both" output: "product" output: "late" output: "largest")"));
  EXPECT_EQ(PrintGraph(network.graph), R"(input a float32 [batch, 4]
input b float32 [batch, 4]
sum/Add = Add(a, b)
sum = Add(sum/Add, a)
late = Tanh(b)
both = Concat(sum, late) {axis = 1}
product = Mul(a, sum)
largest = Max(a, b)
output both
output product
output late
output largest
)");
}

TEST(NetworkBuilderTest, EmbeddingsAreChannelsFirst) {
  ASSERT_OK_AND_ASSIGN(const DescribedNetwork network, BuildText(R"(
    input { name: "words" shape: [20] data_type: INT64 }
    layer { name: "embedding" embedding { input_dim: 100 output_dim: 8 } }
    layer { name: "conv" conv1d { filters: 4 kernel_size: 3 } })"));
  EXPECT_EQ(testing::Summary(network), "embedding [batch, 8, 20] 800\nconv [batch, 4, 18] 100\n");
}

TEST(NetworkBuilderTest, TellsEverythingThatIsWrongAtOnce) {
  EXPECT_THAT(BuildText(R"(
    input { name: "x" shape: [0] } input { name: "image" shape: [3, 8, 8] }
    layer { name: "a" input: "image" conv2d { filters: 0 kernel_size: 3 } }
    layer { name: "b" dense { units: -1 } }
    layer { name: "c" input: "nobody" flatten {} }
    layer { name: "d" input: "image" dense { units: 1 } }
    layer { name: "e" dense { units: 2 } }
    layer { name: "f" input: "x" input: "image" flatten {} })")
                  .status(),
              StatusIs(kInvalid,
                       "input 'x': shape: expected 1 to 15 numbers, -1 or in [1, 1073741824]\n"
                       "layer 'c': input: expected an input or a layer, got 'nobody'\n"
                       "layer 'a': filters: expected one in [1, 16777216], got 0\n"
                       "layer 'b': units: expected one in [1, 16777216], got -1\n"
                       "layer 'f': input: expected 1, got 2\n"
                       "layer 'd': input: expected [features] (as a flatten layer makes it), got [3, 8, 8]"));
}

TEST(NetworkBuilderTest, ManyErrorsAreCutShort) {
  std::string text = "input { name: 'x' shape: [4] }";
  for (int i = 0; i < 60; ++i) text += "layer { name: 'l" + std::to_string(i) + "' dense {} }";
  EXPECT_THAT(BuildText(text), StatusIs(kInvalid, AllOf(HasSubstr("layer 'l49'"), Not(HasSubstr("layer 'l50'")),
                                                        HasSubstr("\nand 10 more"))));
}

TEST(NetworkBuilderTest, HoldsToLimits) {
  const auto exhausted = [](const char* text) {
    return StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(text));
  };
  std::string layers = "input { name: 'x' shape: [4] }";
  for (int i = 0; i < 10'001; ++i) layers += "layer { flatten {} }";
  EXPECT_THAT(BuildText(layers), exhausted("at most 64 inputs and 10000 layers"));
  // 2^29 + 2^29 parameters: more than a file can hold.
  EXPECT_THAT(BuildText(OneLayer("32768", "dense { units: 16384 use_bias: false }")), testing::IsOk());
  EXPECT_THAT(BuildText(OneLayer("32768", "dense { units: 16384 }")),
              exhausted("layer 'y': expected at most 536870912 parameters in the network, got 536887296"));
  EXPECT_THAT(BuildText("name: '" + std::string(5000, 'n') + "'" + OneLayer("4", "flatten {}")),
              StatusIs(kInvalid, HasSubstr("name: expected at most")));
}

TEST(NetworkBuilderTest, HandsOnWhatIsSaidOfParameters) {
  ASSERT_OK_AND_ASSIGN(const DescribedNetwork network, BuildText(R"(
    input { name: "x" shape: [3, 8, 8] }
    layer { name: "a" conv2d { filters: 4 kernel_size: 3
      kernel { initializer { kind: HE_NORMAL flavour: PYTORCH gain: 0.5 } l1: 0.1 l2: 0.2 max_norm: 3 }
      bias { initializer { kind: CONSTANT value: 0.25 } exclude_from_weight_decay: true } } }
    layer { name: "b" trainable: false conv2d_transpose { filters: 5 kernel_size: 2 } })"));
  ASSERT_EQ(network.parameters.size(), 4u);
  const ParameterSpec& kernel = *FindParameter(network, "a/kernel");
  EXPECT_EQ(kernel.layer, "a");
  EXPECT_EQ(kernel.role, ParameterRole::kKernel);
  EXPECT_EQ(kernel.shape, (Shape{4, 3, 3, 3}));
  const auto& normal = std::get<ScaledInit>(kernel.initializer);
  EXPECT_EQ(normal.shape, ScaledShape::kNormal);  // PyTorch's, which Keras truncates
  EXPECT_EQ(normal.fan, FanMode::kIn);
  EXPECT_EQ(normal.scale, 2 * 0.5 * 0.5);
  EXPECT_FLOAT_EQ(kernel.l1, 0.1);
  EXPECT_FLOAT_EQ(kernel.l2, 0.2);
  EXPECT_EQ(kernel.max_norm, 3);
  EXPECT_EQ(kernel.unit_axis, 0);
  EXPECT_TRUE(kernel.trainable);
  EXPECT_FALSE(kernel.exclude_from_weight_decay);
  const ParameterSpec& bias = *FindParameter(network, "a/bias");
  EXPECT_EQ(bias.role, ParameterRole::kBias);
  EXPECT_EQ(std::get<ConstantInit>(bias.initializer).value, 0.25);
  EXPECT_TRUE(bias.exclude_from_weight_decay);
  const ParameterSpec& transposed = *FindParameter(network, "b/kernel");
  EXPECT_EQ(transposed.shape, (Shape{4, 5, 2, 2}));
  EXPECT_EQ(transposed.unit_axis, 1);
  EXPECT_FALSE(transposed.trainable);
  const auto& glorot = std::get<ScaledInit>(transposed.initializer);  // Keras' default
  EXPECT_EQ(glorot.shape, ScaledShape::kUniform);
  EXPECT_EQ(glorot.fan, FanMode::kAverage);
  EXPECT_EQ(glorot.scale, 1);
}

// Of a convolution 3 x 3 from 1 to 25 channels, Keras and PyTorch count 9 and 225; of others as FansOf says.
TEST(NetworkBuilderTest, CountsFansAsTheFlavourDoes) {
  const auto fans = [](const char* shape, const std::string& kind, const std::string& name = "kernel") {
    const absl::StatusOr<DescribedNetwork> network = BuildText(OneLayer(shape, kind));
    if (!network.ok()) return network.status().ToString();
    const ParameterSpec& spec = *FindParameter(*network, "y/" + name);
    return absl::StrCat(spec.fans.in, " ", spec.fans.out);
  };
  const std::string pytorch = " { initializer { flavour: PYTORCH } }";
  EXPECT_EQ(fans("1, 28, 28", "conv2d { filters: 25 kernel_size: 3 }"), "9 225");
  EXPECT_EQ(fans("4, 9, 9", "conv2d { filters: 6 kernel_size: 3 groups: 2 }"), "18 54");
  EXPECT_EQ(fans("4, 9, 9", "depthwise_conv2d { kernel_size: 3 depth_multiplier: 2 }"), "36 18");
  EXPECT_EQ(fans("4, 9, 9", "depthwise_conv2d { kernel_size: 3 depth_multiplier: 2 kernel" + pytorch + "}"), "9 72");
  EXPECT_EQ(fans("4, 9, 9", "depthwise_conv2d { kernel_size: 3 kernel { initializer { kind: PYTORCH_DEFAULT } } }"),
            "9 36");
  EXPECT_EQ(
      fans("4, 9, 9", "depthwise_conv2d { kernel_size: 3 bias { initializer { kind: PYTORCH_DEFAULT } } }", "bias"),
      "9 36")
      << "by its own flavour, whatever the kernel's is";
  EXPECT_EQ(fans("4, 9, 9", "separable_conv2d { filters: 5 kernel_size: 3 }", "pointwise_kernel"), "4 5");
  EXPECT_EQ(fans("4, 9, 9", "conv2d_transpose { filters: 6 kernel_size: 3 }"), "54 36");
  EXPECT_EQ(fans("1250", "dense { units: 100 }"), "1250 100");
}

TEST(NetworkBuilderTest, PytorchsDefaultIsUniformInTheFan) {
  ASSERT_OK_AND_ASSIGN(const DescribedNetwork network,
                       BuildText(OneLayer("1, 28, 28", R"(conv2d { filters: 25 kernel_size: 3
      kernel { initializer { kind: PYTORCH_DEFAULT } } bias { initializer { kind: PYTORCH_DEFAULT } } })")));
  for (const ParameterSpec& spec : network.parameters) {
    const auto& uniform = std::get<UniformInit>(spec.initializer);
    EXPECT_NEAR(uniform.high, .333333, 1e-6) << spec.name;  // 1 / sqrt(3 * 3)
    EXPECT_EQ(uniform.low, -uniform.high) << spec.name;
  }
}

TEST(NetworkBuilderTest, BatchNormalizationInEitherConvention) {
  ASSERT_OK_AND_ASSIGN(const DescribedNetwork network, BuildText(R"(
    input { name: "x" shape: [3, 8, 8] }
    layer { name: "a" batch_normalization {} }
    layer { name: "b" batch_normalization { convention: PYTORCH } trainable: false }
    layer { name: "c" batch_normalization { convention: PYTORCH momentum: 0.25 epsilon: 0.5 center: false } })"));
  const std::string text = PrintGraph(network.graph);
  EXPECT_THAT(text, HasSubstr("{epsilon = 0.001, momentum = 0.99}"));
  EXPECT_THAT(text, HasSubstr("{epsilon = 1e-05, momentum = 0.9}"));
  EXPECT_THAT(text, HasSubstr("{epsilon = 0.5, momentum = 0.75}"));
  EXPECT_FALSE(FindParameter(network, "c/beta")->trainable);  // stays what it begins with
  EXPECT_EQ(std::get<ConstantInit>(FindParameter(network, "c/beta")->initializer).value, 0);
  EXPECT_TRUE(FindParameter(network, "c/gamma")->trainable);
  ASSERT_EQ(network.batch_normalizations.size(), 3u);
  EXPECT_FALSE(network.batch_normalizations[0].unbiased_variance);
  EXPECT_TRUE(network.batch_normalizations[1].unbiased_variance);
  EXPECT_EQ(network.batch_normalizations[1].value, "b");
  EXPECT_FALSE(network.batch_normalizations[1].trainable);
  EXPECT_FALSE(FindParameter(network, "b/gamma")->trainable);
  const ParameterSpec& variance = *FindParameter(network, "a/moving_variance");
  EXPECT_FALSE(variance.trainable);
  EXPECT_TRUE(variance.exclude_from_weight_decay);
  EXPECT_EQ(std::get<ConstantInit>(variance.initializer).value, 1);
  EXPECT_EQ(std::get<ConstantInit>(FindParameter(network, "a/moving_mean")->initializer).value, 0);
}

TEST(NetworkBuilderTest, DropoutIsANodeForInferenceAndAWordForTraining) {
  ASSERT_OK_AND_ASSIGN(const DescribedNetwork network, BuildText(R"(
    input { name: "x" shape: [3, 8] }
    layer { name: "a" dropout { rate: 0.25 } } layer { name: "b" spatial_dropout { rate: 0.5 } })"));
  EXPECT_THAT(PrintGraph(network.graph),
              AllOf(HasSubstr("const a/ratio float32 [] = {0.25}"), HasSubstr("a = Dropout(x, a/ratio)"),
                    HasSubstr("b = Dropout(a, b/ratio)")));
  ASSERT_EQ(network.dropouts.size(), 2u);
  EXPECT_EQ(network.dropouts[0].value, "a");
  EXPECT_FALSE(network.dropouts[0].spatial);
  EXPECT_TRUE(network.dropouts[1].spatial);
}

// What layers compute, with numbers that can be checked by hand.
absl::StatusOr<std::vector<float>> Compute(const std::string& shape, const std::string& kind, const Tensor& x) {
  ASSIGN_OR_RETURN(DescribedNetwork network, BuildText(OneLayer(shape, kind)));
  testing::Initialize(network);
  ASSIGN_OR_RETURN(const std::vector<Tensor> y, testing::RunGraph(std::move(network.graph), {x}, CpuBackend()));
  const auto values = y[0].values<float>();
  return std::vector<float>(values.begin(), values.end());
}

TEST(NetworkBuilderTest, MaxoutTakesTheLargestOfChannelsThatLieApart) {
  const Tensor x = Tensor::Of<float>({1, 6}, {1, 5, 3, 4, 2, 6});
  EXPECT_THAT(Compute("6", "maxout { pieces: 3 }", x), IsOkAndHolds(std::vector<float>{3, 6}));  // 1 3 2, 5 4 6
  EXPECT_THAT(Compute("6", "maxout { pieces: 1 }", x), IsOkAndHolds(std::vector<float>{1, 5, 3, 4, 2, 6}));
}

TEST(NetworkBuilderTest, LayerNormalizationIsOverTheChannelsOfEachPosition) {
  // Two channels that differ by 2d are put at -1 and 1, up to epsilon 1e-3: d / sqrt(d^2 + 1e-3).
  const Tensor x = Tensor::Of<float>({1, 2, 2}, {0, 10, 2, 30});
  ASSERT_OK_AND_ASSIGN(const std::vector<float> y, Compute("2, 2", "layer_normalization {}", x));
  const float one = 1 / std::sqrt(1.001f);
  const float ten = 10 / std::sqrt(100.001f);
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(y[i], (std::vector<float>{-one, -ten, one, ten})[i], 1e-6) << i;
}

TEST(NetworkBuilderTest, UpSamplingRepeats) {
  EXPECT_THAT(Compute("1, 2", "up_sampling {}", Tensor::Of<float>({1, 1, 2}, {1, 2})),
              IsOkAndHolds(std::vector<float>{1, 1, 2, 2}));
}

TEST(NetworkBuilderTest, HardActivationsAreThoseOfTheFrameworks) {
  const Tensor x = Tensor::Of<float>({1, 4}, {-4, -1.5, 1.5, 7});
  EXPECT_THAT(Compute("4", "activation { kind: HARD_SIGMOID }", x), IsOkAndHolds(std::vector<float>{0, .25, .75, 1}));
  EXPECT_THAT(Compute("4", "activation { kind: RELU6 }", x), IsOkAndHolds(std::vector<float>{0, 0, 1.5, 6}));
  EXPECT_THAT(Compute("4", "activation { kind: HARD_SWISH }", x), IsOkAndHolds(std::vector<float>{0, -.375, 1.125, 7}));
}

}  // namespace
}  // namespace beak
