#include "server/http/infer_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

constexpr char kInput[] = R"({"name":"x","shape":[2],"datatype":"UINT8","data":[1,2]})";

TEST(InferRequestTest, ReadsWhatTheProtocolHas) {
  const std::string json = R"({
    "id": "7", "parameters": {"priority": 2, "timeout": 18446744073709551615, "f": 0.5, "b": true, "s": "t"},
    "inputs": [
      {"data": [[1, 2], [3, 4]], "datatype": "UINT8", "shape": [2, 2], "name": "x", "parameters": {"p": -1}},
      {"name": "y", "shape": [1], "datatype": "FP32", "data": [0.5]}],
    "outputs": [{"name": "a", "parameters": {"binary_data": true, "classification": 3}}, {"name": "b"}],
    "later": {"than": [{"this": null}, true, 1, "x"]}})";
  ASSERT_OK_AND_ASSIGN(const InferBody body, ParseInferBody(json, ""));
  const inference::ModelInferRequest& message = body.message;
  EXPECT_EQ(message.id(), "7");
  EXPECT_EQ(message.parameters().at("priority").int64_param(), 2);
  EXPECT_EQ(message.parameters().at("timeout").uint64_param(), 18446744073709551615u);
  EXPECT_EQ(message.parameters().at("f").double_param(), 0.5);
  EXPECT_TRUE(message.parameters().at("b").bool_param());
  EXPECT_EQ(message.parameters().at("s").string_param(), "t");
  ASSERT_EQ(message.inputs_size(), 2);
  EXPECT_EQ(message.inputs(0).name(), "x");
  EXPECT_EQ(message.inputs(0).datatype(), "UINT8");
  EXPECT_THAT(message.inputs(0).shape(), ElementsAre(2, 2));
  EXPECT_EQ(message.inputs(0).parameters().at("p").int64_param(), -1);
  EXPECT_THAT(message.raw_input_contents(), ElementsAre(std::string("\1\2\3\4"), std::string("\0\0\0\x3f", 4)));
  ASSERT_EQ(message.outputs_size(), 2);
  EXPECT_EQ(message.outputs(0).parameters().at("classification").int64_param(), 3);
  EXPECT_FALSE(message.outputs(0).parameters().contains("binary_data"));
  EXPECT_TRUE(body.Binary(0));
  EXPECT_FALSE(body.Binary(1));
}

TEST(InferRequestTest, BinaryDataFollowInTheOrderOfTheInputs) {
  const std::string json = R"({"parameters":{"binary_data_output":true},"inputs":[
    {"name":"x","shape":[2],"datatype":"UINT8","parameters":{"binary_data_size":2}},
    {"name":"y","shape":[1],"datatype":"UINT8","data":[9]},
    {"name":"z","shape":[3],"datatype":"UINT8","parameters":{"binary_data_size":3}}],
    "outputs":[{"name":"a","parameters":{"binary_data":false}},{"name":"b"}]})";
  ASSERT_OK_AND_ASSIGN(const InferBody body, ParseInferBody(json, "abcde"));
  EXPECT_THAT(body.message.raw_input_contents(), ElementsAre("ab", "\x09", "cde"));
  EXPECT_FALSE(body.message.inputs(0).parameters().contains("binary_data_size"));
  EXPECT_FALSE(body.message.parameters().contains("binary_data_output"));
  EXPECT_FALSE(body.Binary(0));
  EXPECT_TRUE(body.Binary(1));
  EXPECT_TRUE(body.Binary(7)) << "all outputs, where none is named";
}

TEST(InferRequestTest, SharedMemoryIsLeftToTheCheckOfAllFrontEnds) {
  const std::string json = R"({"inputs":[{"name":"x","shape":[2],"datatype":"UINT8",
    "parameters":{"shared_memory_region":"r","shared_memory_byte_size":2}}]})";
  ASSERT_OK_AND_ASSIGN(const InferBody body, ParseInferBody(json, ""));
  EXPECT_EQ(body.message.inputs(0).parameters().at("shared_memory_region").string_param(), "r");
}

struct Bad {
  const char* what;
  std::string json;
  std::string binary;
  const char* error;
};

class BadInferRequestTest : public ::testing::TestWithParam<Bad> {};

TEST_P(BadInferRequestTest, SaysWhatAndWhere) {
  const absl::StatusOr<InferBody> body = ParseInferBody(GetParam().json, GetParam().binary);
  EXPECT_THAT(body.ok() ? body->decoded : body.status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().error)));
}

std::string Nested(int levels) { return std::string(static_cast<size_t>(levels), '['); }
std::string Many(const std::string& one, int count) {
  std::string all = one;
  for (int i = 1; i < count; ++i) all += "," + one;
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    Corpus, BadInferRequestTest,
    ::testing::Values(
        Bad{"Empty", "", "", "body: expected JSON"}, Bad{"Cut", R"({"inputs":[)", "", "body: expected JSON"},
        Bad{"NoUtf8", "{\"id\":\"\xff\"}", "", "body: expected JSON"},
        Bad{"Overflow", R"({"parameters":{"x":1e999}})", "", "body: expected JSON"},
        Bad{"ZeroByte", std::string("{}\0abc", 6), "", "body: expected JSON, got something else at byte 3"},
        Bad{"Elements", R"({"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[1]}]})", "",
            "input 'x': expected 2 elements for shape [1, 2] of FP32, got 1"},
        Bad{"Dimension", R"({"inputs":[{"name":"x","shape":[-1],"datatype":"FP32","data":[1]}]})", "", "input 'x': "},
        Bad{"TwoValues", "{} {}", "", "body: expected JSON"}, Bad{"Array", "[]", "", "body: expected an object"},
        Bad{"Text", "\"x\"", "", "body: expected an object"},
        Bad{"InputsObject", R"({"inputs":{}})", "", "inputs: expected no object"},
        Bad{"InputsNumber", R"({"inputs":1})", "", "inputs: expected an array"},
        Bad{"InputNumber", R"({"inputs":[1]})", "", "inputs: expected an object"},
        Bad{"InputArray", R"({"inputs":[[]]})", "", "inputs: expected no array"},
        Bad{"Id", R"({"id":1})", "", "id: expected a text"},
        Bad{"Name", R"({"inputs":[{"name":1}]})", "", "inputs[0].name: expected a text"},
        Bad{"Shape", R"({"inputs":[{"shape":[1.5]}]})", "", "inputs[0].shape: expected whole numbers"},
        Bad{"ShapeNested", R"({"inputs":[{"shape":[[1]]}]})", "", "inputs[0].shape: expected no array"},
        Bad{"ShapeLarge", R"({"inputs":[{"shape":[18446744073709551615]}]})", "", "dimensions of 64 bits"},
        Bad{"ShapeLong", R"({"inputs":[{"shape":[)" + Many("1", 65) + "]}]}", "", "at most 64 dimensions"},
        Bad{"DataNull", R"({"inputs":[{"data":[null]}]})", "", "inputs[0].data: expected no null"},
        Bad{"DataObject", R"({"inputs":[{"data":[{}]}]})", "", "inputs[0].data: expected no object"},
        Bad{"DataMixed", R"({"inputs":[{"data":[1,"x"]}]})", "", "more than one of them"},
        Bad{"DataDeep", R"({"inputs":[{"data":)" + Nested(200), "", "at most 128 levels"},
        Bad{"UnknownDeep", R"({"x":)" + Nested(100'000), "", "at most 128 levels"},
        Bad{"NoData", R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP32"}]})", "", "input 'x': expected data"},
        Bad{"Datatype", R"({"inputs":[{"name":"x","shape":[1],"datatype":"FP31","data":[1]}]})", "", "input 'x': "},
        Bad{"Both",
            R"({"inputs":[{"name":"x","shape":[1],"datatype":"UINT8","data":[1],"parameters":{"binary_data_size":1}}]})",
            "a", "got both"},
        Bad{"BinarySizeText", R"({"inputs":[{"name":"x","parameters":{"binary_data_size":"1"}}]})", "a",
            "whole number of bytes"},
        Bad{"BinarySizeNegative", R"({"inputs":[{"name":"x","parameters":{"binary_data_size":-1}}]})", "a",
            "whole number of bytes"},
        Bad{"BinarySizeLarge", R"({"inputs":[{"name":"x","parameters":{"binary_data_size":9223372036854775807}}]})",
            "a", "at most the 1 bytes that are left"},
        Bad{"BinaryLeft", R"({"inputs":[{"name":"x","parameters":{"binary_data_size":1}}]})", "abc",
            "expected the 1 bytes that the inputs ask for, got 3"},
        Bad{"OutputFlag", R"({"outputs":[{"name":"a","parameters":{"binary_data":1}}]})", "",
            "output 'a': parameter 'binary_data': expected true or false"},
        Bad{"RequestFlag", R"({"parameters":{"binary_data_output":"x"}})", "", "expected true or false"},
        Bad{"ParameterNull", R"({"parameters":{"x":null}})", "", "parameters.x: expected no null"},
        Bad{"ParameterObject", R"({"parameters":{"x":{}}})", "", "parameters.x: expected no object"},
        Bad{"ManyInputs", R"({"inputs":[)" + Many("{}", 1025) + "]}", "", "at most 1024 tensors"},
        Bad{"ManyOutputs", R"({"outputs":[)" + Many("{}", 1025) + "]}", "", "at most 1024 tensors"},
        Bad{"ManyParameters", R"({"parameters":{)" + Many(R"("x":1)", 4097) + "}}", "", "at most 4096 parameters"}),
    [](const auto& test) { return std::string(test.param.what); });

TEST(InferRequestTest, DuplicateKeysCannotHideBytes) {
  const std::string twice = std::string(R"({"inputs":[)") + kInput + R"(],"inputs":[)" + kInput + "]}";
  ASSERT_OK_AND_ASSIGN(const InferBody body, ParseInferBody(twice, ""));
  EXPECT_EQ(body.message.inputs_size(), body.message.raw_input_contents_size());
}

}  // namespace
}  // namespace beak
