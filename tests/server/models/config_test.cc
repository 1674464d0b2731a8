#include "server/models/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/inference/model_config.pb.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::StatusIs;

using Specs = std::vector<TensorSpec>;

Dim Batch() { return Dim::Symbol("batch"); }

// The lecture's network: a free batch of images in, ten probabilities out.
const Specs kInputs = {{"image", DType::kFloat32, {Batch(), 1, 28, 28}}};
const Specs kOutputs = {{"probabilities", DType::kFloat32, {Batch(), 10}}};

absl::StatusOr<inference::ModelConfig> Complete(const std::string& text, const Specs& inputs = kInputs,
                                                const Specs& outputs = kOutputs) {
  const absl::StatusOr<ConfigFile> file = ParseConfig(text, "config.pbtxt");
  if (!file.ok()) return file.status();
  const auto config = CompleteConfig(*file, "mnist", inputs, outputs);
  if (!config.ok()) return config.status();
  return **config;
}

TEST(ParseConfigTest, ErrorsSayWhere) {
  EXPECT_THAT(ParseConfig("name: \"a\"\nmax_batch: 3\n", "m/config.pbtxt"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("m/config.pbtxt:2:"), HasSubstr("no field named \"max_batch\""))));
  EXPECT_THAT(ParseConfig("input { data_type: TYPE_FLOAT }", "c"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("TYPE_FLOAT")));
  EXPECT_THAT(ParseConfig("max_batch_size: 1 max_batch_size: 2", "c"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseConfig("input {", "c"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseConfig(std::string("\0\xff\x01", 3), "c"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ParseConfigTest, KnowsWhetherMaxBatchSizeIsWritten) {
  ASSERT_OK_AND_ASSIGN(const ConfigFile written, ParseConfig("max_batch_size: 0", "c"));
  ASSERT_OK_AND_ASSIGN(const ConfigFile silent, ParseConfig("name: \"x\"", "c"));
  EXPECT_TRUE(written.has_max_batch_size);
  EXPECT_FALSE(silent.has_max_batch_size);
}

TEST(CompleteConfigTest, WithoutAFileEverythingComesFromTheNetwork) {
  ASSERT_OK_AND_ASSIGN(const auto file, CompleteConfig(EmptyConfig(), "mnist", kInputs, kOutputs));
  EXPECT_EQ(file->name(), "mnist");
  EXPECT_EQ(file->backend(), "beak");
  EXPECT_EQ(file->max_batch_size(), 64);
  EXPECT_EQ(file->version_policy().latest().num_versions(), 1u);
  EXPECT_EQ(file->default_model_filename(), "model.onnx");
  ASSERT_EQ(file->input_size(), 1);
  EXPECT_EQ(file->input(0).name(), "image");
  EXPECT_EQ(file->input(0).data_type(), inference::TYPE_FP32);
  EXPECT_THAT(file->input(0).dims(), ::testing::ElementsAre(1, 28, 28));
  ASSERT_EQ(file->output_size(), 1);
  EXPECT_THAT(file->output(0).dims(), ::testing::ElementsAre(10));
}

struct BatchCase {
  const char* name;
  const char* text;
  Specs inputs, outputs;
  int max_batch_size;
};

TEST(CompleteConfigTest, MaxBatchSizeFollowsFromFileAndNetwork) {
  const Specs fixed_input = {{"image", DType::kFloat32, {1, 1, 28, 28}}};
  const Specs fixed_output = {{"probabilities", DType::kFloat32, {1, 10}}};
  const Specs scalar_output = {{"probabilities", DType::kFloat32, {}}};
  const Specs unknown_batch = {{"image", DType::kFloat32, {Dim(), 1, 28, 28}}};
  const std::vector<BatchCase> cases = {
      {"nothing written, free", "", kInputs, kOutputs, 64},
      {"nothing written, free without a symbol", "", unknown_batch, kOutputs, 64},
      {"nothing written, the input fixes it", "", fixed_input, kOutputs, 0},
      {"nothing written, the output fixes it", "", kInputs, fixed_output, 0},
      {"nothing written, a scalar output", "", kInputs, scalar_output, 0},
      {"written", "max_batch_size: 8", kInputs, kOutputs, 8},
      {"written as 0", "max_batch_size: 0", kInputs, kOutputs, 0},
      {"dims without the batch", "input { name: 'image' dims: [1, 28, 28] }", kInputs, kOutputs, 64},
      {"dims with the batch", "input { name: 'image' dims: [-1, 1, 28, 28] }", kInputs, kOutputs, 0},
      {"output dims with the batch", "output { name: 'probabilities' dims: [-1, 10] }", kInputs, kOutputs, 0},
      {"names without dims", "output { name: 'probabilities' label_filename: 'l' }", kInputs, kOutputs, 64},
  };
  for (const BatchCase& c : cases) {
    const auto config = Complete(c.text, c.inputs, c.outputs);
    ASSERT_OK(config) << c.name;
    EXPECT_EQ(config->max_batch_size(), c.max_batch_size) << c.name;
    const int leading = c.max_batch_size > 0 ? 1 : 0;
    EXPECT_EQ(config->input(0).dims_size() + leading, static_cast<int>(c.inputs[0].shape.size())) << c.name;
  }
}

TEST(CompleteConfigTest, ARepositoryMadeForTritonIsTakenAsItIs) {
  ASSERT_OK_AND_ASSIGN(const auto config, Complete(R"(
      name: "mnist" platform: "onnxruntime_onnx" max_batch_size: 8
      input { name: "image" data_type: TYPE_FP32 format: FORMAT_NCHW dims: [1, 28, 28] }
      output { name: "probabilities" data_type: TYPE_FP32 dims: [10] label_filename: "labels.txt" }
      instance_group { count: 2 kind: KIND_CPU }
      dynamic_batching { preferred_batch_size: [4, 8] max_queue_delay_microseconds: 100 }
      optimization { graph { level: 1 } }
      version_policy { all {} })"));
  EXPECT_EQ(config.max_batch_size(), 8);
  EXPECT_EQ(config.platform(), "onnxruntime_onnx");
  EXPECT_EQ(config.backend(), "");
  EXPECT_TRUE(config.version_policy().has_all());
  EXPECT_EQ(config.dynamic_batching().preferred_batch_size(1), 8);
}

TEST(CompleteConfigTest, AFreeDimensionMayBeWrittenNarrower) {
  const Specs free_size = {{"image", DType::kFloat32, {Batch(), 3, Dim::Symbol("h"), Dim::Symbol("w")}}};
  ASSERT_OK_AND_ASSIGN(const auto config, Complete("input { name: 'image' dims: [3, 224, -1] }", free_size));
  EXPECT_THAT(config.input(0).dims(), ::testing::ElementsAre(3, 224, -1));
}

TEST(CompleteConfigTest, WrittenOutputsHideTheOthersAndUnwrittenInputsAreAdded) {
  const Specs two = {{"a", DType::kFloat32, {Batch(), 4}}, {"b", DType::kUint8, {Batch(), 2}}};
  ASSERT_OK_AND_ASSIGN(const auto config, Complete("input { name: 'b' } output { name: 'a' }", two, two));
  ASSERT_EQ(config.input_size(), 2);
  EXPECT_EQ(config.input(0).name(), "b");
  EXPECT_EQ(config.input(0).data_type(), inference::TYPE_UINT8);
  EXPECT_EQ(config.input(1).name(), "a");
  EXPECT_EQ(config.output_size(), 1);
}

TEST(CompleteConfigTest, AReshapeIsCheckedAgainstTheNetwork) {
  EXPECT_OK(Complete("input { name: 'image' dims: [784] reshape { shape: [1, 28, 28] } }"));
  EXPECT_OK(Complete("output { name: 'probabilities' dims: [2, 5] reshape { shape: [10] } }"));
  const Specs vector = {{"image", DType::kFloat32, {Batch()}}};
  EXPECT_OK(Complete("input { name: 'image' dims: [1] reshape { shape: [] } }", vector));
  const Specs sequence = {{"image", DType::kFloat32, {Batch(), 2, Dim::Symbol("t"), 6}}};
  EXPECT_OK(Complete("input { name: 'image' dims: [2, -1, 2, 3] reshape { shape: [2, -1, 6] } }", sequence));
  EXPECT_THAT(Complete("input { name: 'image' dims: [-1, 12] reshape { shape: [2, -1, 6] } }", sequence),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("reshape")));
  EXPECT_THAT(Complete("input { name: 'image' dims: [783] reshape { shape: [1, 28, 28] } }"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("reshape")));
}

struct RefusalCase {
  const char* name;
  const char* text;
  absl::StatusCode code;
  const char* says;
};

TEST(CompleteConfigTest, WhatDoesNotFitIsRefusedByName) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  constexpr auto kLacking = absl::StatusCode::kUnimplemented;
  const std::vector<RefusalCase> cases = {
      {"another name", "name: 'other'", kInvalid, "expected the folder's name 'mnist', got 'other'"},
      {"negative batch", "max_batch_size: -1", kInvalid, "max_batch_size"},
      {"unknown input", "input { name: 'picture' }", kInvalid, "input 'picture': the network has no such input"},
      {"unknown output", "output { name: 'x' }", kInvalid, "output 'x'"},
      {"input twice", "input { name: 'image' } input { name: 'image' }", kInvalid, "twice"},
      {"type", "input { name: 'image' data_type: TYPE_INT8 }", kInvalid, "TYPE_FP32, got TYPE_INT8"},
      {"strings", "input { name: 'image' data_type: TYPE_STRING }", kInvalid, "TYPE_STRING"},
      {"size", "input { name: 'image' dims: [1, 28, 29] }", kInvalid, "[1, 28, 28] after its batch dimension"},
      {"wider than the network", "input { name: 'image' dims: [-1, 28, 28] }", kInvalid, "got [-1, 28, 28]"},
      {"rank", "max_batch_size: 4 input { name: 'image' dims: [-1, 1, 28, 28] }", kInvalid, "dims"},
      {"zero size", "input { name: 'image' dims: [0, 28, 28] }", kInvalid, "at least 1"},
      {"overflow", "input { name: 'image' dims: [4294967296, 4294967296] reshape { shape: [1, 28, 28] } }", kInvalid,
       "reshape"},
      {"platform", "platform: 'tensorrt_plan'", kLacking, "platform: expected onnxruntime_onnx, got 'tensorrt_plan'"},
      {"backend", "backend: 'python'", kLacking, "backend: expected onnxruntime or beak, got 'python'"},
      {"sequences", "sequence_batching {}", kLacking, "sequence_batching"},
      {"GPU", "instance_group { kind: KIND_GPU }", kLacking, "instance_group"},
      {"GPU by number", "instance_group { gpus: [0] }", kLacking, "instance_group"},
      {"decoupled", "model_transaction_policy { decoupled: true }", kLacking, "decoupled"},
      {"ragged", "input { name: 'image' allow_ragged_batch: true }", kLacking, "allow_ragged_batch"},
      {"optional", "input { name: 'image' optional: true }", kLacking, "optional"},
      {"shape tensor", "input { name: 'image' is_shape_tensor: true }", kLacking, "is_shape_tensor"},
      {"custom operators", "model_operations { op_library_filename: 'x.so' }", kLacking, "op_library_filename"},
  };
  for (const RefusalCase& c : cases) {
    EXPECT_THAT(Complete(c.text), StatusIs(c.code, HasSubstr(c.says))) << c.name;
  }
}

TEST(CompleteConfigTest, ANetworkThatFixesItsBatchCannotBeBatched) {
  const Specs fixed = {{"image", DType::kFloat32, {1, 1, 28, 28}}};
  EXPECT_THAT(
      Complete("max_batch_size: 8", fixed),
      StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("max_batch_size: expected 0"), HasSubstr("image"))));
}

}  // namespace
}  // namespace beak
