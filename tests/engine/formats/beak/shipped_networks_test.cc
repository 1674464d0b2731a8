// The descriptions in deploy/demo/networks: their sizes are those of the papers and of other frameworks, and each runs.
#include <gtest/gtest.h>

#include <cmath>

#include "engine/engine.h"
#include "engine/formats/onnx/onnx_reader.h"
#include "engine/formats/onnx/onnx_writer.h"
#include "engine/graph/text.h"
#include "engine/graph/verify.h"
#include "engine/ops/op.h"
#include "tests/engine/formats/beak/build_network.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::Initialize;
using testing::StatusIs;
using testing::Summary;

struct Shipped {
  const char* name;
  int64_t total;  // running statistics included, as Keras counts
  int64_t trainable;
  Shape sample;
  int64_t outputs;  // elements
};

absl::StatusOr<DescribedNetwork> Read(const std::string& name) {
  return ReadNetworkFile("deploy/demo/networks/" + name + ".textproto");
}

int64_t Count(const DescribedNetwork& network, bool only_trainable) {
  int64_t count = 0;
  for (const ParameterSpec& spec : network.parameters) {
    if (spec.trainable || !only_trainable) count += NumElements(spec.shape);
  }
  return count;
}

class ShippedNetworksTest : public ::testing::TestWithParam<Shipped> {};

TEST_P(ShippedNetworksTest, HasTheParametersThatItShould) {
  ASSERT_OK_AND_ASSIGN(const DescribedNetwork network, Read(GetParam().name));
  EXPECT_EQ(Count(network, false), GetParam().total);
  EXPECT_EQ(Count(network, true), GetParam().trainable);
}

TEST_P(ShippedNetworksTest, InfersShapesForAnyBatchAndForOne) {
  ASSERT_OK_AND_ASSIGN(DescribedNetwork network, Read(GetParam().name));
  Graph& graph = network.graph;
  ASSERT_OK(VerifyStructure(graph));
  const PartialShape any = *graph.value(graph.outputs()[0]).type.shape;
  EXPECT_EQ(ToString(any), "[batch, " + std::to_string(GetParam().outputs) + "]");
  (*graph.mutable_value(graph.inputs()[0]).type.shape)[0] = 1;
  ASSERT_OK(InferShapes(graph, /*require_static=*/true));
  EXPECT_EQ(ToShape(*graph.value(graph.outputs()[0]).type.shape), (Shape{1, GetParam().outputs}));
}

TEST_P(ShippedNetworksTest, Runs) {
  ASSERT_OK_AND_ASSIGN(DescribedNetwork network, Read(GetParam().name));
  Initialize(network);
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<Model> model, Model::FromGraph(std::move(network.graph)));
  Shape shape = GetParam().sample;
  shape.insert(shape.begin(), 1);
  ASSERT_OK_AND_ASSIGN(const std::shared_ptr<const Program> program, model->GetProgram({shape}, 1));
  const std::unique_ptr<Workspace> workspace = program->CreateWorkspace();
  const Tensor x = testing::RandomTensor(shape, 1);
  std::copy_n(x.bytes(), x.byte_size(), workspace->input(0).data());
  ASSERT_OK(program->Run(*workspace));
  const auto* y = reinterpret_cast<const float*>(workspace->output(0).data());
  double sum = 0;
  for (int64_t i = 0; i < GetParam().outputs; ++i) sum += y[i];
  EXPECT_NEAR(sum, 1, 1e-4);  // all of them end in a softmax; the tolerance is float32 over a thousand terms
}

TEST_P(ShippedNetworksTest, IsTheSameAsAnOnnxFile) {
  ASSERT_OK_AND_ASSIGN(DescribedNetwork network, Read(GetParam().name));
  EXPECT_THAT(WriteOnnx(network.graph), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("elements: expected")));
  Initialize(network);
  ASSERT_OK_AND_ASSIGN(std::string bytes, WriteOnnx(network.graph));
  ASSERT_OK_AND_ASSIGN(const Graph again, ReadOnnx(std::move(bytes), ""));
  EXPECT_EQ(PrintGraph(again), PrintGraph(network.graph));
}

INSTANTIATE_TEST_SUITE_P(Networks, ShippedNetworksTest,
                         ::testing::Values(Shipped{"lecture_cnn", 137'660, 137'660, {1, 28, 28}, 10},
                                           Shipped{"lenet5", 61'706, 61'706, {1, 28, 28}, 10},
                                           // 25*32+32 + 9*16*64+64 + 1568*160+160 + 40*10+10
                                           Shipped{"maxout", 261'562, 261'562, {1, 28, 28}, 10},
                                           Shipped{"resnet20_cifar", 274'042, 272'474, {3, 32, 32}, 10},
                                           Shipped{"mobilenet_v1_1.0", 4'253'864, 4'231'976, {3, 224, 224}, 1000},
                                           Shipped{"mobilenet_v1_0.75", 2'601'976, 2'585'560, {3, 224, 224}, 1000},
                                           Shipped{"mobilenet_v1_0.5", 1'342'536, 1'331'592, {3, 224, 224}, 1000},
                                           Shipped{"mobilenet_v1_0.25", 475'544, 470'072, {3, 224, 224}, 1000},
                                           Shipped{"xception", 22'910'480, 22'855'952, {3, 299, 299}, 1000},
                                           Shipped{"xception_small", 729'656, 722'576, {3, 71, 71}, 10},
                                           Shipped{"alphago_policy_128", 1'777'641, 1'777'641, {48, 19, 19}, 361},
                                           Shipped{"alphago_policy_192", 3'882'793, 3'882'793, {48, 19, 19}, 361},
                                           Shipped{"alphago_policy_256", 6'798'953, 6'798'953, {48, 19, 19}, 361},
                                           Shipped{"alphago_policy_384", 15'064'297, 15'064'297, {48, 19, 19}, 361}),
                         [](const auto& row) {
                           std::string name = row.param.name;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST(LectureCnnTest, HasTheLayersOfTheLecture) {
  ASSERT_OK_AND_ASSIGN(const DescribedNetwork network, Read("lecture_cnn"));
  EXPECT_EQ(Summary(network),
            "conv1 [batch, 25, 26, 26] 250\n"
            "pool1 [batch, 25, 13, 13] 0\n"
            "conv2 [batch, 50, 11, 11] 11300\n"
            "pool2 [batch, 50, 5, 5] 0\n"
            "flatten [batch, 1250] 0\n"
            "dense1 [batch, 100] 125100\n"
            "dense2 [batch, 10] 1010\n"
            "probabilities [batch, 10] 0\n");
}

TEST(AlphaGoPolicyTest, HasABiasForEachPoint) {
  ASSERT_OK_AND_ASSIGN(const DescribedNetwork network, Read("alphago_policy_192"));
  const ParameterSpec* bias = testing::FindParameter(network, "bias/bias");
  ASSERT_NE(bias, nullptr);
  EXPECT_EQ(bias->shape, (Shape{1, 19, 19}));
  EXPECT_EQ(testing::FindParameter(network, "conv13/bias"), nullptr);
}

TEST(XceptionTest, HalvesAsThePaperSays) {
  ASSERT_OK_AND_ASSIGN(const DescribedNetwork network, Read("xception"));
  const auto output = [&](const std::string& name) {
    return ToString(*network.graph.value(network.graph.FindValue(name)).type.shape);
  };
  EXPECT_EQ(output("block1_conv1"), "[batch, 32, 149, 149]");
  EXPECT_EQ(output("block1_conv2"), "[batch, 64, 147, 147]");
  EXPECT_EQ(output("block2_add"), "[batch, 128, 74, 74]");
  EXPECT_EQ(output("block3_add"), "[batch, 256, 37, 37]");
  EXPECT_EQ(output("block4_add"), "[batch, 728, 19, 19]");
  EXPECT_EQ(output("block12_add"), "[batch, 728, 19, 19]");
  EXPECT_EQ(output("block13_add"), "[batch, 1024, 10, 10]");
}

}  // namespace
}  // namespace beak
