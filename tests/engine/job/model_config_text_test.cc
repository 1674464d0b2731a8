#include "engine/job/model_config_text.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include "proto/inference/model_config.pb.h"
#include "tests/engine/support/run_graph.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using testing::Parse;

inference::ModelConfig ConfigOf(const Graph& network, const ModelConfigFacts& facts) {
  inference::ModelConfig config;
  const std::string text = ModelConfigText(network, facts);
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &config)) << text;
  return config;
}

TEST(ModelConfigTextTest, SaysWhatTheNetworkTakesAndGives) {
  const Graph network = Parse(
      "graph g\ninput x float32 [n, 2]\ninput word int64 [n, 7]\nconst w float32 [2, 3] = fill 1.0\n"
      "a = Gemm(x, w)\np = Softmax(a)\noutput p\noutput a");
  const inference::ModelConfig config = ConfigOf(network, {"digits \"2\"", "p", {{"image_resize", "crop"}}});
  EXPECT_EQ(config.name(), "digits \"2\"");
  EXPECT_EQ(config.platform(), "onnxruntime_onnx");
  EXPECT_EQ(config.max_batch_size(), 64);
  ASSERT_EQ(config.input_size(), 2);
  EXPECT_EQ(config.input(0).name(), "x");
  EXPECT_EQ(config.input(0).data_type(), inference::TYPE_FP32);
  EXPECT_THAT(config.input(0).dims(), ElementsAre(2));
  EXPECT_EQ(config.input(1).data_type(), inference::TYPE_INT64);
  ASSERT_EQ(config.output_size(), 2);
  EXPECT_EQ(config.output(0).label_filename(), "labels.txt");
  EXPECT_THAT(config.output(0).dims(), ElementsAre(3));
  EXPECT_EQ(config.output(1).label_filename(), "");
  EXPECT_EQ(config.parameters().at("image_resize").string_value(), "crop");
}

TEST(ModelConfigTextTest, ABatchThatIsFixedIsADimension) {
  const inference::ModelConfig config =
      ConfigOf(Parse("graph g\ninput x float32 [1, 3, h, w]\ny = Relu(x)\noutput y"), {"m", "", {}});
  EXPECT_EQ(config.max_batch_size(), 0);
  EXPECT_THAT(config.input(0).dims(), ElementsAre(1, 3, -1, -1));
  EXPECT_THAT(config.output(0).dims(), ElementsAre(1, 3, -1, -1));
}

}  // namespace
}  // namespace beak
