// Predictions of a whole server, good requests and bad ones.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/server_fixture.h"
#include "tests/integration/serving.h"

namespace beak {
namespace {

using testing::Connect;
using ::testing::ElementsAre;
using testing::FloatRequest;
using testing::Floats;
using ::testing::HasSubstr;
using testing::Infer;
using testing::InferenceStub;
using testing::kMaxReceiveBytes;
using testing::MetricValue;
using ::testing::Not;

class ServerPredictTest : public testing::ServerFixture {};

TEST_F(ServerPredictTest, RawAndTypedInputsGiveTheSameAnswer) {
  inference::ModelInferRequest request = FloatRequest("scale", {2, 2}, {1, 2, 3, 4});
  request.set_id("my id");
  inference::ModelInferResponse response;
  ASSERT_TRUE(Infer(stub(), request, &response).ok());
  EXPECT_EQ(response.id(), "my id");
  EXPECT_EQ(response.model_name(), "scale");
  EXPECT_EQ(response.model_version(), "3");
  EXPECT_THAT(response.outputs(0).shape(), ElementsAre(2, 2));
  EXPECT_THAT(Floats(response), ElementsAre(3, 6, 9, 12));

  request.clear_raw_input_contents();
  for (const float value : {1, 2, 3, 4}) request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(value);
  request.set_model_version("1");
  ASSERT_TRUE(Infer(stub(), request, &response).ok());
  EXPECT_THAT(Floats(response), ElementsAre(2, 4, 6, 8));
  EXPECT_FALSE(response.outputs(0).has_contents()) << "answers are raw whatever the request was";
}

TEST_F(ServerPredictTest, WhatStockClientsShipWith) {
  inference::ModelInferRequest request;
  request.set_model_name("simple");
  for (const char* name : {"INPUT0", "INPUT1"}) {
    auto& input = *request.add_inputs();
    input.set_name(name);
    input.set_datatype("INT32");
    input.add_shape(1);
    input.add_shape(16);
    for (int i = 0; i < 16; ++i) input.mutable_contents()->add_int_contents(name[5] == '0' ? i : 1);
  }
  inference::ModelInferResponse response;
  ASSERT_TRUE(Infer(stub(), request, &response).ok());
  ASSERT_EQ(response.outputs_size(), 2);
  int32_t sum[16], difference[16];
  std::memcpy(sum, response.raw_output_contents(0).data(), sizeof(sum));
  std::memcpy(difference, response.raw_output_contents(1).data(), sizeof(difference));
  EXPECT_EQ(sum[7], 8);
  EXPECT_EQ(difference[7], 6);

  request.add_outputs()->set_name("OUTPUT1");
  ASSERT_TRUE(Infer(stub(), request, &response).ok());
  ASSERT_EQ(response.outputs_size(), 1);
  EXPECT_EQ(response.outputs(0).name(), "OUTPUT1");
}

TEST_F(ServerPredictTest, ClassesWithLabels) {
  inference::ModelInferRequest request = FloatRequest("scale", {1, 2}, {1, 2});
  auto& output = *request.add_outputs();
  output.set_name("y");
  (*output.mutable_parameters())["classification"].set_int64_param(1);
  inference::ModelInferResponse response;
  ASSERT_TRUE(Infer(stub(), request, &response).ok());
  EXPECT_EQ(response.outputs(0).datatype(), "BYTES");
  EXPECT_THAT(response.outputs(0).shape(), ElementsAre(1, 1));
  EXPECT_EQ(response.raw_output_contents(0).substr(4), "6:1:right");
}

TEST_F(ServerPredictTest, NanStaysInItsRow) {
  inference::ModelInferResponse response;
  ASSERT_TRUE(Infer(stub(), FloatRequest("scale", {3, 2}, {1, 2, std::nanf(""), INFINITY, 3, 4}), &response).ok());
  const std::vector<float> values = Floats(response);
  EXPECT_TRUE(std::isnan(values[2]));
  EXPECT_EQ(values[0], 3);
  EXPECT_EQ(values[5], 12);
}

struct BadCase {
  const char* name;
  std::function<void(inference::ModelInferRequest&)> spoil;
  grpc::StatusCode code;
  const char* says;
};

TEST_F(ServerPredictTest, BadRequestsAreNamedAndHarmNothing) {
  constexpr auto kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
  const std::vector<BadCase> cases = {
      {"unknown model", [](auto& m) { m.set_model_name("none"); }, grpc::StatusCode::NOT_FOUND, "unknown model"},
      {"unknown version", [](auto& m) { m.set_model_version("2"); }, grpc::StatusCode::NOT_FOUND, "version 2"},
      {"version in words", [](auto& m) { m.set_model_version("newest"); }, kInvalid, "whole number"},
      {"a model that failed", [](auto& m) { m.set_model_name("broken"); }, grpc::StatusCode::NOT_FOUND, "'broken'"},
      {"no model", [](auto& m) { m.clear_model_name(); }, grpc::StatusCode::NOT_FOUND, "unknown model"},
      {"input name", [](auto& m) { m.mutable_inputs(0)->set_name("z"); }, kInvalid, "input 'z'"},
      {"missing input", [](auto& m) { m.clear_inputs(), m.clear_raw_input_contents(); }, kInvalid, "input 'x'"},
      {"nothing at all", [](auto& m) { m.Clear(), m.set_model_name("simple"); }, kInvalid, "input 'INPUT0'"},
      {"input twice",
       [](auto& m) {
         *m.add_inputs() = m.inputs(0);
         m.add_raw_input_contents(m.raw_input_contents(0));
       },
       kInvalid, "twice"},
      {"type", [](auto& m) { m.mutable_inputs(0)->set_datatype("INT32"); }, kInvalid, "expected FP32, got INT32"},
      {"made-up type", [](auto& m) { m.mutable_inputs(0)->set_datatype("FP31"); }, kInvalid, "FP31"},
      {"rank", [](auto& m) { m.mutable_inputs(0)->clear_shape(), m.mutable_inputs(0)->add_shape(2); }, kInvalid,
       "shape"},
      {"size",
       [](auto& m) {
         m.mutable_inputs(0)->set_shape(1, 1);
         m.mutable_inputs(0)->set_shape(0, 2);
       },
       kInvalid, "expected [-1, 2], got [2, 1]"},
      {"negative", [](auto& m) { m.mutable_inputs(0)->set_shape(0, -1); }, kInvalid, "-1"},
      {"overflow",
       [](auto& m) { m.mutable_inputs(0)->set_shape(0, int64_t{1} << 62), m.mutable_inputs(0)->set_shape(1, 8); },
       kInvalid, "input 'x'"},
      {"empty batch", [](auto& m) { m.mutable_inputs(0)->set_shape(0, 0), m.set_raw_input_contents(0, ""); }, kInvalid,
       "batch size"},
      {"large batch",
       [](auto& m) {
         m.set_model_name("strict");
         m.mutable_inputs(0)->set_shape(0, 65);
         m.set_raw_input_contents(0, std::string(65 * 8, 'x'));
       },
       kInvalid, "expected 1 to 64, got 65"},
      {"too few bytes", [](auto& m) { m.mutable_raw_input_contents(0)->pop_back(); }, kInvalid, "bytes"},
      {"too many bytes", [](auto& m) { m.mutable_raw_input_contents(0)->push_back('x'); }, kInvalid, "bytes"},
      {"no bytes", [](auto& m) { m.clear_raw_input_contents(); }, kInvalid, "input 'x'"},
      {"more raw than inputs", [](auto& m) { m.add_raw_input_contents("x"); }, kInvalid, "raw_input_contents"},
      {"raw and typed", [](auto& m) { m.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1); }, kInvalid,
       "both"},
      {"typed in another field",
       [](auto& m) {
         m.clear_raw_input_contents();
         for (int i = 0; i < 2; ++i) m.mutable_inputs(0)->mutable_contents()->add_int_contents(i);
       },
       kInvalid, "fp32_contents"},
      {"too few elements",
       [](auto& m) {
         m.clear_raw_input_contents();
         m.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1);
       },
       kInvalid, "elements"},
      {"output name", [](auto& m) { m.add_outputs()->set_name("z"); }, kInvalid, "output 'z'"},
      {"shared memory",
       [](auto& m) { (*m.mutable_inputs(0)->mutable_parameters())["shared_memory_region"].set_string_param("r"); },
       grpc::StatusCode::UNIMPLEMENTED, "shared_memory_region"},
      {"reserved parameter", [](auto& m) { (*m.mutable_parameters())["triton_secret"].set_bool_param(true); }, kInvalid,
       "triton_secret"},
      {"timeout", [](auto& m) { (*m.mutable_parameters())["timeout"].set_int64_param(-5); }, kInvalid, "timeout"},
      {"a name without end", [](auto& m) { m.mutable_inputs(0)->set_name(std::string(100'000, 'n')); }, kInvalid,
       "input 'nnn"},
  };
  for (const BadCase& c : cases) {
    inference::ModelInferRequest request = FloatRequest("scale", {1, 2}, {1, 2});
    c.spoil(request);
    inference::ModelInferResponse response;
    const grpc::Status status = Infer(stub(), request, &response);
    EXPECT_EQ(status.error_code(), c.code) << c.name << ": " << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(c.says)) << c.name;
    ExpectHealthy();
  }
}

TEST_F(ServerPredictTest, AMessageAboveTheLimitIsRefused) {
  inference::ModelInferResponse response;
  const grpc::Status status =
      Infer(stub(), FloatRequest("scale", {1, 2}, std::vector<float>(kMaxReceiveBytes / 4 + 1)), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  ExpectHealthy();
}

TEST_F(ServerPredictTest, RubbishOnTheWireIsNoRequest) {
  for (const std::string& rubbish : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(10'000, '\xff'),
                                     std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + std::string(1000, '\0')}) {
    testing::SendRubbish(running_->server->grpc_port(), rubbish);
    ExpectHealthy();
  }
}

TEST_F(ServerPredictTest, StatisticsAndMetricsCountTheSame) {
  inference::ModelStatisticsRequest request;
  request.set_name("bytes");
  inference::ModelStatisticsResponse before;
  ASSERT_TRUE(Call(&InferenceStub::ModelStatistics, request, &before).ok());
  ASSERT_EQ(before.model_stats_size(), 1);
  EXPECT_EQ(before.model_stats(0).inference_stats().success().count(), 0u);

  inference::ModelInferRequest infer;
  infer.set_model_name("bytes");
  auto& input = *infer.add_inputs();
  input.set_name("x");
  input.set_datatype("UINT8");
  input.add_shape(2);
  input.add_shape(3);
  infer.add_raw_input_contents("\x01\x02\x03\xfd\xfe\xff", 6);
  inference::ModelInferResponse response;
  ASSERT_TRUE(Infer(stub(), infer, &response).ok());
  EXPECT_EQ(response.raw_output_contents(0), infer.raw_input_contents(0));

  inference::ModelStatisticsResponse after;
  ASSERT_TRUE(Call(&InferenceStub::ModelStatistics, request, &after).ok());
  const inference::ModelStatistics& statistics = after.model_stats(0);
  EXPECT_EQ(statistics.name(), "bytes");
  EXPECT_EQ(statistics.version(), "1");
  EXPECT_EQ(statistics.inference_count(), 2u);
  EXPECT_EQ(statistics.execution_count(), 1u);
  EXPECT_EQ(statistics.inference_stats().success().count(), 1u);
  EXPECT_GT(statistics.inference_stats().success().ns(), 0u);
  EXPECT_GT(statistics.last_inference(), 0u);
  ASSERT_EQ(statistics.batch_stats_size(), 1);
  EXPECT_EQ(statistics.batch_stats(0).batch_size(), 2u);
  EXPECT_EQ(MetricValue(metrics_port(), R"(beak_requests_total{model="bytes",outcome="ok",version="1"})"), 1);
  EXPECT_EQ(MetricValue(metrics_port(), R"(beak_batch_rows_sum{model="bytes",version="1"})"), 2);
}

TEST_F(ServerPredictTest, UnknownNamesMakeNoSeries) {
  inference::ModelInferResponse response;
  for (int i = 0; i < 20; ++i) {
    Infer(stub(), FloatRequest("made-up-" + std::to_string(i), {1, 2}, {1, 2}), &response);
  }
  EXPECT_THAT(testing::HttpGet(metrics_port(), "/metrics"), Not(HasSubstr("made-up")));
}

// Answers that change hands are the worst that could happen.
TEST_F(ServerPredictTest, ManyClientsGetTheirOwnAnswers) {
  constexpr int kClients = 8, kRequests = 100;
  std::atomic<int> wrong{0};
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      const auto own_stub = inference::GRPCInferenceService::NewStub(Connect(running_->server->grpc_port()));
      for (int i = 0; i < kRequests; ++i) {
        const int rows = 1 + (client + i) % 5;
        std::vector<float> values(static_cast<size_t>(rows) * 2);
        for (size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(client * 10'000 + i * 20) + k;
        inference::ModelInferResponse response;
        const grpc::Status status = Infer(*own_stub, FloatRequest("scale", {rows, 2}, values), &response);
        for (float& value : values) value *= 3;
        if (!status.ok() || Floats(response) != values) ++wrong;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace beak
