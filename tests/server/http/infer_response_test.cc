#include "server/http/infer_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/tensor/dtype.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename T>
OutputTensor Output(const std::string& name, DType dtype, std::vector<T> values) {
  OutputTensor output;
  output.name = name;
  output.dtype = dtype;
  output.shape = {1, static_cast<int64_t>(values.size())};
  output.data.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  return output;
}

TEST(InferResponseTest, ElementsAreReadableNumbers) {
  PredictResponse response;
  response.model = "a \"model\"";
  response.version = 3;
  response.outputs = {Output<float>("f", DType::kFloat32, {0.1f, -0.0f, 16777217.0f}),
                      Output<uint8_t>("b", DType::kBool, {1, 0}),
                      Output<uint64_t>("u", DType::kUint64, {std::numeric_limits<uint64_t>::max()}),
                      Output<int8_t>("i", DType::kInt8, {-128, 127}),
                      Output<uint16_t>("h", DType::kFloat16, {FloatToHalf(0.5f)}),
                      Output<double>("d", DType::kFloat64, {0.1})};
  OutputTensor text;
  text.name = "t";
  text.shape = {2};
  text.strings = {"0.5:1:cat", "x\"y"};
  response.outputs.push_back(text);
  InferBody asked;
  asked.message.set_id("17");
  ASSERT_OK_AND_ASSIGN(const HttpResponse http, ToHttp(response, asked));
  EXPECT_EQ(http.content_type, "application/json");
  EXPECT_THAT(http.headers, IsEmpty());
  const auto json = nlohmann::json::parse(http.body);
  EXPECT_EQ(json["model_name"], "a \"model\"");
  EXPECT_EQ(json["model_version"], "3");
  EXPECT_EQ(json["id"], "17");
  const auto& outputs = json["outputs"];
  EXPECT_EQ(outputs[0]["name"], "f");
  EXPECT_EQ(outputs[0]["datatype"], "FP32");
  EXPECT_EQ(outputs[0]["shape"], nlohmann::json({1, 3}));
  EXPECT_EQ(outputs[0]["data"][0].get<float>(), 0.1f) << "as it was, to the last bit";
  EXPECT_TRUE(std::signbit(outputs[0]["data"][1].get<float>()));
  EXPECT_EQ(outputs[0]["data"][2].get<float>(), 16777217.0f);
  EXPECT_THAT(http.body, HasSubstr("[0.1,-0.0,16777216.0]")) << "no reader takes them for whole numbers";
  EXPECT_EQ(outputs[1]["data"], nlohmann::json({true, false}));
  EXPECT_EQ(outputs[2]["data"][0].get<uint64_t>(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(outputs[3]["data"], nlohmann::json({-128, 127}));
  EXPECT_EQ(outputs[4]["data"], nlohmann::json({0.5}));
  EXPECT_EQ(outputs[5]["data"][0].get<double>(), 0.1);
  EXPECT_EQ(outputs[6]["datatype"], "BYTES");
  EXPECT_EQ(outputs[6]["data"], nlohmann::json({"0.5:1:cat", "x\"y"}));
}

TEST(InferResponseTest, JsonHasNoNan) {
  PredictResponse response;
  response.outputs = {Output<float>(
      "f", DType::kFloat32, {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()})};
  ASSERT_OK_AND_ASSIGN(const HttpResponse http, ToHttp(response, InferBody()));
  EXPECT_EQ(nlohmann::json::parse(http.body)["outputs"][0]["data"], nlohmann::json({nullptr, nullptr}));
}

TEST(InferResponseTest, BinaryOutputsFollowTheJson) {
  PredictResponse response;
  OutputTensor text;
  text.name = "t";
  text.shape = {1};
  text.strings = {"ab"};
  response.outputs = {Output<uint8_t>("x", DType::kUint8, {1, 2}), Output<uint8_t>("y", DType::kUint8, {3}), text};
  InferBody asked;
  asked.binary_outputs = true;
  asked.binary_output = {std::nullopt, false, true};
  ASSERT_OK_AND_ASSIGN(const HttpResponse http, ToHttp(response, asked));
  EXPECT_EQ(http.content_type, "application/octet-stream");
  ASSERT_EQ(http.headers.size(), 1u);
  EXPECT_EQ(http.headers[0].first, "Inference-Header-Content-Length");
  const size_t length = std::stoul(http.headers[0].second);
  const auto json = nlohmann::json::parse(http.body.substr(0, length));
  EXPECT_EQ(json["outputs"][0]["parameters"]["binary_data_size"], 2);
  EXPECT_FALSE(json["outputs"][0].contains("data"));
  EXPECT_EQ(json["outputs"][1]["data"], nlohmann::json({3}));
  EXPECT_EQ(json["outputs"][2]["parameters"]["binary_data_size"], 6);
  EXPECT_EQ(http.body.substr(length), std::string("\1\2\2\0\0\0ab", 8));
  EXPECT_FALSE(json.contains("id"));
}

}  // namespace
}  // namespace beak
