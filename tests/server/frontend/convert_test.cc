#include "server/frontend/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "proto/inference/open_inference.pb.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

using std::chrono::microseconds;
using std::chrono::milliseconds;

const MonotonicTime kNow(std::chrono::hours(1));

// One row of two floats, typed.
inference::ModelInferRequest Message() {
  inference::ModelInferRequest message;
  message.set_model_name("m");
  message.set_model_version("3");
  message.set_id("7");
  auto& input = *message.add_inputs();
  input.set_name("x");
  input.set_datatype("FP32");
  input.add_shape(1);
  input.add_shape(2);
  input.mutable_contents()->add_fp32_contents(1.5f);
  input.mutable_contents()->add_fp32_contents(-2);
  return message;
}

class ConvertTest : public ::testing::Test {
 protected:
  PredictRequest Convert(const inference::ModelInferRequest& message, MonotonicTime deadline = kNever) {
    return ToPredictRequest(message, kNow, deadline, &views_);
  }

  std::vector<wire::TensorView> views_;
};

TEST_F(ConvertTest, TypedAndRawContentsAreTheSame) {
  const inference::ModelInferRequest typed = Message();
  const PredictRequest request = Convert(typed);
  ASSERT_OK(request.decoded);
  EXPECT_EQ(request.model, "m");
  EXPECT_EQ(request.version, "3");
  EXPECT_EQ(request.id, "7");
  EXPECT_EQ(request.received, kNow);
  EXPECT_EQ(request.deadline, kNever);
  ASSERT_EQ(request.inputs.size(), 1u);
  EXPECT_EQ(request.inputs[0].name, "x");
  EXPECT_EQ(request.inputs[0].dtype, DType::kFloat32);
  EXPECT_THAT(request.inputs[0].shape, ElementsAre(1, 2));
  const std::string bytes(reinterpret_cast<const char*>(request.inputs[0].data.data()), 8);

  inference::ModelInferRequest raw = Message();
  raw.mutable_inputs(0)->clear_contents();
  raw.add_raw_input_contents(bytes);
  const PredictRequest same = Convert(raw);
  ASSERT_OK(same.decoded);
  EXPECT_EQ(reinterpret_cast<const char*>(same.inputs[0].data.data()), raw.raw_input_contents(0).data())
      << "raw contents are not copied";
}

TEST_F(ConvertTest, StringsHaveNoTypeOfTheEngine) {
  inference::ModelInferRequest message = Message();
  message.mutable_inputs(0)->set_datatype("BYTES");
  message.mutable_inputs(0)->clear_contents();
  for (const char* text : {"a", "b"}) message.mutable_inputs(0)->mutable_contents()->add_bytes_contents(text);
  const PredictRequest request = Convert(message);
  ASSERT_OK(request.decoded);
  EXPECT_EQ(request.inputs[0].dtype, std::nullopt);
}

struct DeadlineCase {
  const char* name;
  int64_t timeout;
  MonotonicTime call, expected;
};

TEST_F(ConvertTest, TheEarliestDeadlineWins) {
  const std::vector<DeadlineCase> cases = {
      {"none", 0, kNever, kNever},
      {"the call's", 0, kNow + milliseconds(5), kNow + milliseconds(5)},
      {"the parameter's", 2000, kNever, kNow + milliseconds(2)},
      {"parameter before call", 2000, kNow + milliseconds(5), kNow + milliseconds(2)},
      {"call before parameter", 9000, kNow + milliseconds(5), kNow + milliseconds(5)},
      {"no overflow", std::numeric_limits<int64_t>::max(), kNever, kNever},
  };
  for (const DeadlineCase& c : cases) {
    inference::ModelInferRequest message = Message();
    (*message.mutable_parameters())["timeout"].set_int64_param(c.timeout);
    const PredictRequest request = Convert(message, c.call);
    ASSERT_OK(request.decoded) << c.name;
    EXPECT_EQ(request.deadline, c.expected) << c.name;
  }
}

TEST_F(ConvertTest, PrioritiesAreWholeNumbersOfEitherType) {
  inference::ModelInferRequest message = Message();
  EXPECT_EQ(Convert(message).priority, 0u);
  inference::InferParameter& priority = (*message.mutable_parameters())["priority"];
  priority.set_uint64_param(std::numeric_limits<uint64_t>::max());
  EXPECT_OK(Convert(message).decoded);
  EXPECT_EQ(Convert(message).priority, std::numeric_limits<uint64_t>::max());
  priority.set_int64_param(2);
  EXPECT_OK(Convert(message).decoded);
  EXPECT_EQ(Convert(message).priority, 2u);
}

TEST_F(ConvertTest, SequencesAreIgnored) {
  inference::ModelInferRequest message = Message();
  auto& parameters = *message.mutable_parameters();
  parameters["sequence_start"].set_bool_param(true);
  parameters["sequence_end"].set_bool_param(true);
  parameters["sequence_id"].set_string_param("one");
  EXPECT_OK(Convert(message).decoded);
  parameters["sequence_id"].set_int64_param(1);
  EXPECT_OK(Convert(message).decoded);
  parameters["sequence_id"].set_uint64_param(1);
  EXPECT_OK(Convert(message).decoded);
}

TEST_F(ConvertTest, ParametersOfOthersPass) {
  inference::ModelInferRequest message = Message();
  auto& parameters = *message.mutable_parameters();
  parameters["mine"].set_string_param("x");
  parameters["triton_enable_empty_final_response"].set_bool_param(true);
  EXPECT_OK(Convert(message).decoded);
}

TEST_F(ConvertTest, OutputsAndTheirClasses) {
  inference::ModelInferRequest message = Message();
  message.add_outputs()->set_name("a");
  auto& classified = *message.add_outputs();
  classified.set_name("b");
  (*classified.mutable_parameters())["classification"].set_int64_param(3);
  const PredictRequest request = Convert(message);
  ASSERT_OK(request.decoded);
  ASSERT_EQ(request.outputs.size(), 2u);
  EXPECT_EQ(request.outputs[0].name, "a");
  EXPECT_EQ(request.outputs[0].classes, 0);
  EXPECT_EQ(request.outputs[1].classes, 3);
}

struct BadCase {
  const char* name;
  std::function<void(inference::ModelInferRequest&)> spoil;
  absl::StatusCode code;
  const char* says;
};

TEST_F(ConvertTest, WhatCannotBeMadeOutIsSaid) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  constexpr auto kLacking = absl::StatusCode::kUnimplemented;
  const std::vector<BadCase> cases = {
      {"datatype", [](auto& m) { m.mutable_inputs(0)->set_datatype("FLOAT"); }, kInvalid, "input 'x'"},
      {"reserved", [](auto& m) { (*m.mutable_parameters())["triton_x"].set_bool_param(true); }, kInvalid, "triton_x"},
      {"timeout type", [](auto& m) { (*m.mutable_parameters())["timeout"].set_string_param("5"); }, kInvalid,
       "timeout"},
      {"timeout sign", [](auto& m) { (*m.mutable_parameters())["timeout"].set_int64_param(-1); }, kInvalid, "timeout"},
      {"timeout empty", [](auto& m) { (*m.mutable_parameters())["timeout"]; }, kInvalid, "timeout"},
      {"priority type", [](auto& m) { (*m.mutable_parameters())["priority"].set_string_param("1"); }, kInvalid,
       "priority"},
      {"priority sign", [](auto& m) { (*m.mutable_parameters())["priority"].set_int64_param(-1); }, kInvalid,
       "priority"},
      {"priority empty", [](auto& m) { (*m.mutable_parameters())["priority"]; }, kInvalid, "priority"},
      {"shared input",
       [](auto& m) { (*m.mutable_inputs(0)->mutable_parameters())["shared_memory_region"].set_string_param("r"); },
       kLacking, "input 'x'"},
      {"shared output",
       [](auto& m) {
         m.add_outputs()->set_name("y");
         (*m.mutable_outputs(0)->mutable_parameters())["shared_memory_region"].set_string_param("r");
       },
       kLacking, "output 'y'"},
      {"no classes", [](auto& m) { (*m.add_outputs()->mutable_parameters())["classification"].set_int64_param(0); },
       kInvalid, "classification"},
      {"classes as text",
       [](auto& m) { (*m.add_outputs()->mutable_parameters())["classification"].set_string_param("3"); }, kInvalid,
       "classification"},
  };
  for (const BadCase& c : cases) {
    inference::ModelInferRequest message = Message();
    c.spoil(message);
    EXPECT_THAT(Convert(message).decoded, StatusIs(c.code, HasSubstr(c.says))) << c.name;
  }
}

TEST_F(ConvertTest, AnswersAreAlwaysRaw) {
  PredictResponse response{"m", 3, {}};
  response.outputs.push_back({"y", DType::kUint8, {1, 3}, "abc", {}});
  response.outputs.push_back({"z", std::nullopt, {1}, "", {"1:0:cat"}});
  inference::ModelInferResponse message;
  ASSERT_OK(ToMessage(std::move(response), "7", &message));
  EXPECT_EQ(message.model_name(), "m");
  EXPECT_EQ(message.model_version(), "3");
  EXPECT_EQ(message.id(), "7");
  ASSERT_EQ(message.outputs_size(), 2);
  EXPECT_EQ(message.outputs(0).datatype(), "UINT8");
  EXPECT_THAT(message.outputs(0).shape(), ElementsAre(1, 3));
  EXPECT_FALSE(message.outputs(0).has_contents());
  ASSERT_EQ(message.raw_output_contents_size(), 2);
  EXPECT_EQ(message.raw_output_contents(0), "abc");
  EXPECT_EQ(message.outputs(1).datatype(), "BYTES");
  EXPECT_EQ(message.raw_output_contents(1), std::string("\x07\0\0\0", 4) + "1:0:cat");
}

TEST_F(ConvertTest, StreamsCarryTheirErrorsBesideTheRequestsId) {
  const inference::ModelInferRequest request = Message();
  inference::ModelStreamInferResponse good;
  EXPECT_OK(ToStreamMessage(PredictResponse{"m", 3, {}}, request, &good));
  EXPECT_EQ(good.error_message(), "");
  EXPECT_EQ(good.infer_response().id(), "7");
  EXPECT_EQ(good.infer_response().model_version(), "3");
  EXPECT_TRUE(good.infer_response().parameters().at("triton_final_response").bool_param());

  inference::ModelStreamInferResponse bad;
  EXPECT_THAT(ToStreamMessage(absl::UnavailableError("full"), request, &bad), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(bad.error_message(), "full");
  EXPECT_EQ(bad.infer_response().id(), "7");
  EXPECT_EQ(bad.infer_response().model_name(), "m");
  EXPECT_TRUE(bad.infer_response().parameters().at("triton_final_response").bool_param());

  inference::ModelStreamInferResponse silent;
  ToStreamMessage(absl::InternalError(""), request, &silent).IgnoreError();
  EXPECT_EQ(silent.error_message(), "INTERNAL") << "an empty text would be no error";
}

}  // namespace
}  // namespace beak
