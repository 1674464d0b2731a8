#include "server/models/model_warmup.h"

#include <gtest/gtest.h>

#include <string>

#include "proto/inference/model_config.pb.h"
#include "server/models/config.h"
#include "tests/server/support/networks.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;

class ModelWarmupTest : public ::testing::Test {
 protected:
  void Use(const std::string& network) { network_ = *Model::Load(dir_.Write("model.onnx", network)); }
  absl::Status Run(const std::string& text, const std::string& folder, const CancelToken* stop = nullptr) {
    const auto file = ParseConfig("max_batch_size: 8 " + text, "config.pbtxt");
    EXPECT_OK(file);
    const auto config = CompleteConfig(*file, "m", network_->inputs(), network_->outputs());
    EXPECT_OK(config);
    const Signature signature = MakeSignature(**config, network_->inputs(), network_->outputs());
    return RunModelWarmup(**config, signature, folder, *network_, stop);
  }
  absl::Status Run(const std::string& text) { return Run(text, dir_.path()); }

  const testing::TempDir dir_;
  std::shared_ptr<Model> network_ = *Model::Load(dir_.Write("model.onnx", testing::ScaleNetwork(2)));
};

std::string Input(const std::string& value) { return "inputs { key: 'x' value { " + value + " } }"; }
const char kFloats[] = "data_type: TYPE_FP32 dims: 2 ";

TEST_F(ModelWarmupTest, NothingToRunIsFine) {
  EXPECT_OK(Run(""));
  EXPECT_EQ(network_->num_programs(), 0);
}

TEST_F(ModelWarmupTest, RunsEachSampleInItsBatchSize) {
  EXPECT_OK(Run("model_warmup { name: 'a' batch_size: 4 count: 3 " + Input(std::string(kFloats) + "zero_data: true") +
                "} model_warmup { name: 'b' " + Input(std::string(kFloats) + "random_data: true") + "}"));
  EXPECT_EQ(network_->num_programs(), 2) << "for four rows and for one";
}

TEST_F(ModelWarmupTest, AFileHoldsOneRowThatFillsTheBatch) {
  const std::string sample =
      "model_warmup { name: 'a' batch_size: 4 " + Input(std::string(kFloats) + "input_data_file: 'row'") + "}";
  EXPECT_THAT(Run(sample), StatusIs(absl::StatusCode::kNotFound, HasSubstr("warmup/row")));
  dir_.Write("warmup/row", std::string(8, '\0'));
  EXPECT_OK(Run(sample));
  dir_.Write("warmup/row", std::string(32, '\0'));
  EXPECT_THAT(Run(sample), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected 8 bytes")));
  EXPECT_FALSE(Run(sample, "").ok());
}

TEST_F(ModelWarmupTest, RandomIndicesAreValidOnes) {
  Use(testing::GatherNetwork());
  EXPECT_OK(Run("model_warmup { name: 'a' batch_size: 2 " + Input("data_type: TYPE_FP32 dims: 4 random_data: true") +
                " inputs { key: 'indices' value { data_type: TYPE_INT64 random_data: true } } }"));
}

TEST_F(ModelWarmupTest, WhatRunsBadlyFailsTheLoad) {
  Use(testing::GatherNetwork());
  dir_.Write("warmup/far", std::string(8, '\x11'));
  EXPECT_THAT(Run("model_warmup { name: 'a' " + Input("data_type: TYPE_FP32 dims: 4 zero_data: true") +
                  " inputs { key: 'indices' value { data_type: TYPE_INT64 input_data_file: 'far' } } }"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("model_warmup 'a'")));
}

TEST_F(ModelWarmupTest, ItEndsWhenAskedTo) {
  CancelToken stop;
  const std::string sample = "model_warmup { name: 'a' " + Input(std::string(kFloats) + "zero_data: true") + "}";
  EXPECT_OK(Run(sample, dir_.path(), &stop));
  stop.Cancel();
  EXPECT_THAT(Run(sample, dir_.path(), &stop), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(ModelWarmupTest, SamplesThatDoNotFitAreNamed) {
  const struct {
    std::string sample;
    const char* says;
  } cases[] = {
      {"batch_size: 9 " + Input(std::string(kFloats)), "batch_size: expected at most 8, got 9"},
      {"count: 1000000 " + Input(std::string(kFloats)), "count"},
      {"", "expected input 'x' too"},
      {Input(std::string(kFloats)) + " inputs { key: 'z' value {} }", "got 2"},
      {Input("data_type: TYPE_INT8 dims: 2"), "expected TYPE_FP32, got TYPE_INT8"},
      {Input("data_type: TYPE_FP32 dims: 3"), "expected sizes of [2], got [3]"},
      {Input("data_type: TYPE_FP32 dims: -1"), "got [-1]"},
      {Input("data_type: TYPE_FP32 dims: 1 dims: 2"), "got [1, 2]"},
  };
  for (const auto& c : cases) {
    EXPECT_THAT(Run("model_warmup { name: 'a' " + c.sample + "}"),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(c.says)))
        << c.sample;
  }
}

}  // namespace
}  // namespace beak
