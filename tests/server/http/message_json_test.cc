#include "server/http/message_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "proto/inference/model_config.pb.h"
#include "proto/inference/open_inference.pb.h"

namespace beak {
namespace {

using Json = nlohmann::json;

TEST(MessageJsonTest, WholeNumbersAreNumbers) {
  inference::ModelMetadataResponse metadata;
  metadata.set_name("m");
  auto& input = *metadata.add_inputs();
  input.set_name("x");
  input.set_datatype("FP32");
  input.add_shape(-1);
  input.add_shape(int64_t{1} << 40);
  EXPECT_EQ(
      ToJson(metadata),
      R"({"name":"m","versions":[],"platform":"","inputs":[{"name":"x","datatype":"FP32","shape":[-1,1099511627776]}],"outputs":[]})");
}

TEST(MessageJsonTest, ConfigurationsKeepTheirStructure) {
  inference::ModelConfig config;
  config.set_max_batch_size(8);
  config.add_input()->set_data_type(inference::TYPE_FP32);
  config.mutable_dynamic_batching()->set_max_queue_delay_microseconds(5);
  (*config.mutable_parameters())["key"].set_string_value("value");
  const Json json = Json::parse(ToJson(config));
  EXPECT_EQ(json["max_batch_size"], 8);
  EXPECT_EQ(json["input"][0]["data_type"], "TYPE_FP32");
  EXPECT_EQ(json["dynamic_batching"]["max_queue_delay_microseconds"], 5);
  EXPECT_EQ(json["parameters"]["key"]["string_value"], "value");
  EXPECT_FALSE(json.contains("ensemble_scheduling")) << "of a oneof, one is set";
}

TEST(MessageJsonTest, AnyBytesAreJson) {
  inference::ModelMetadataResponse metadata;
  metadata.set_platform("a\"b\n");
  EXPECT_EQ(Json::parse(ToJson(metadata))["platform"], "a\"b\n");
}

TEST(MessageJsonTest, AListMayStandAlone) {
  inference::RepositoryIndexResponse index;
  EXPECT_EQ(ToJsonArray(index, "models"), "[]");
  index.add_models()->set_name("m");
  EXPECT_EQ(ToJsonArray(index, "models"), R"([{"name":"m","version":"","state":"","reason":""}])");
}

}  // namespace
}  // namespace beak
