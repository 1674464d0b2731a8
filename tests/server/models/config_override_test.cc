#include "server/models/config_override.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "proto/inference/model_config.pb.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

ConfigFile File(const std::string& text) { return *ParseConfig(text, "config.pbtxt"); }

// What a file becomes.
ConfigFile Overridden(const std::string& text, const std::string& json) {
  const auto override = ParseConfigJson(json);
  EXPECT_OK(override);
  return ApplyOverride(File(text), *override);
}

TEST(ConfigOverrideTest, FieldsReplaceThoseOfTheFileWhole) {
  const ConfigFile config = Overridden(
      "max_batch_size: 8 output { name: 'y' label_filename: 'names.txt' } version_policy { latest { num_versions: 2 } "
      "}",
      R"({"version_policy":{"specific":{"versions":[3]}}, "output":[{"name":"z"}]})");
  EXPECT_THAT(config.config->version_policy().specific().versions(), ElementsAre(3));
  ASSERT_EQ(config.config->output_size(), 1);
  EXPECT_EQ(config.config->output(0).name(), "z");
  EXPECT_EQ(config.config->output(0).label_filename(), "");
  EXPECT_EQ(config.config->max_batch_size(), 8) << "not named, not touched";
  EXPECT_TRUE(config.has_max_batch_size);
}

TEST(ConfigOverrideTest, AChoiceReplacesTheOtherChoices) {
  const ConfigFile config = Overridden("dynamic_batching { preferred_batch_size: 4 }", R"({"sequence_batching":{}})");
  EXPECT_FALSE(config.config->has_dynamic_batching());
  EXPECT_TRUE(config.config->has_sequence_batching());
}

TEST(ConfigOverrideTest, AWrittenZeroIsAZero) {
  for (const char* json : {R"({"max_batch_size":0})", R"({"maxBatchSize":0})"}) {
    const ConfigFile config = Overridden("max_batch_size: 8", json);
    EXPECT_EQ(config.config->max_batch_size(), 0) << json;
    EXPECT_TRUE(config.has_max_batch_size);
  }
  EXPECT_FALSE(Overridden("", R"({"backend":"beak"})").has_max_batch_size);
}

TEST(ConfigOverrideTest, WhatCannotBeReadIsRefused) {
  for (const std::string json : {"", "{", "[]", R"({"nosuch":1})", R"({"max_batch_size":"many"})", "nul\0l"}) {
    EXPECT_THAT(ParseConfigJson(json), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("config:"))) << json;
  }
  EXPECT_THAT(ParseConfigJson(R"({"nosuch":1})"), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nosuch")));
  EXPECT_THAT(ParseConfigJson(std::string((1 << 20) + 1, ' ')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("1048576")));
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"input":[)";
  EXPECT_THAT(ParseConfigJson(deep), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ConfigOverrideTest, FilesLieInTheModelsFolder) {
  EXPECT_OK(CheckFileNames(*File("default_model_filename: 'net.onnx' output { label_filename: 'a.txt' }").config));
  for (const char* text : {"default_model_filename: '../../secret'", "default_model_filename: '..'",
                           "output { label_filename: '/etc/passwd' }",
                           "model_warmup { inputs { key: 'x' value { input_data_file: '../x' } } }"}) {
    EXPECT_THAT(CheckFileNames(*File(text).config),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("the name of a file")))
        << text;
  }
}

}  // namespace
}  // namespace beak
