#include "client/config_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "proto/inference/model_config.pb.h"

namespace beak::client {
namespace {

using ::testing::HasSubstr;

inference::ModelConfig Config() {
  inference::ModelConfig config;
  config.set_name("m");
  config.set_max_batch_size(8);
  (*config.mutable_parameters())["image_size"].set_string_value("28x28");
  return config;
}

TEST(ConfigTextTest, TextIsThatOfConfigPbtxt) {
  const std::string text = ToText(Config());
  EXPECT_THAT(text, HasSubstr("name: \"m\"\nmax_batch_size: 8\n"));
  EXPECT_THAT(text, HasSubstr("string_value: \"28x28\""));
}

TEST(ConfigTextTest, JsonHasTheNamesOfTheProtocol) {
  const nlohmann::json json = nlohmann::json::parse(ToJson(Config()));
  EXPECT_EQ(json["max_batch_size"], 8);
  EXPECT_EQ(json["parameters"]["image_size"]["string_value"], "28x28");
}

}  // namespace
}  // namespace beak::client
