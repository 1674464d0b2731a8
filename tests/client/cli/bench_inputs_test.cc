#include "client/cli/bench_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak::cli {
namespace {

using ::beak::testing::StatusIs;
using client::TensorValue;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

client::ModelMetadata Model(std::vector<client::TensorMetadata> inputs) {
  client::ModelMetadata model;
  model.inputs = std::move(inputs);
  return model;
}

TEST(MakeInputsTest, FreeFirstDimensionsAreRowsWhereTheModelTakesBatches) {
  const auto model = Model({{"x", "FP32", {-1, 3}}, {"y", "INT64", {-1}}});
  ASSERT_OK_AND_ASSIGN(const std::vector<TensorValue> inputs, MakeInputs(model, true, {.rows = 4}, {}));
  ASSERT_EQ(inputs.size(), 2u);
  EXPECT_THAT(inputs[0].shape(), ElementsAre(4, 3));
  EXPECT_THAT(inputs[1].shape(), ElementsAre(4));
  EXPECT_THAT(MakeInputs(model, false, {}, {}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--shape=x=")));
}

TEST(MakeInputsTest, NumbersAreOrdinaryAndTheSameEachTime) {
  const auto model = Model({{"x", "FP32", {50}}, {"y", "INT32", {50}}, {"h", "FP16", {50}}, {"d", "FP64", {50}}});
  ASSERT_OK_AND_ASSIGN(const std::vector<TensorValue> inputs, MakeInputs(model, false, {}, {}));
  ASSERT_OK_AND_ASSIGN(const std::vector<float> floats, inputs[0].Values<float>());
  EXPECT_THAT(floats, Each(::testing::AllOf(::testing::Ge(0), ::testing::Lt(1))));
  EXPECT_NE(floats[0], floats[1]);
  ASSERT_OK_AND_ASSIGN(const std::vector<int32_t> whole, inputs[1].Values<int32_t>());
  EXPECT_THAT(whole, Each(::testing::AnyOf(0, 1)));
  ASSERT_OK_AND_ASSIGN(const std::vector<double> doubles, inputs[3].Values<double>());
  EXPECT_THAT(doubles, Each(::testing::AllOf(::testing::Ge(0), ::testing::Lt(1))));
  for (size_t i = 1; i < 100; i += 2) EXPECT_EQ(inputs[2].bytes()[i] & 0xfc, 0x38) << "0.5 to 1";
  ASSERT_OK_AND_ASSIGN(const std::vector<TensorValue> again, MakeInputs(model, false, {}, {}));
  EXPECT_EQ(again[0].bytes(), inputs[0].bytes());
}

TEST(MakeInputsTest, ZerosOnRequest) {
  ASSERT_OK_AND_ASSIGN(const std::vector<TensorValue> inputs,
                       MakeInputs(Model({{"x", "FP32", {3}}}), false, {.zeros = true}, {}));
  EXPECT_EQ(inputs[0].bytes(), std::string(12, '\0'));
}

TEST(MakeInputsTest, ShapesAndFilesComeFirst) {
  const auto model = Model({{"x", "FP32", {-1, -1}}, {"y", "UINT8", {-1, 2}}});
  const std::vector<TensorValue> given = {*TensorValue::Of<uint8_t>("y", {1, 2}, {7, 8})};
  ASSERT_OK_AND_ASSIGN(const std::vector<TensorValue> inputs,
                       MakeInputs(model, true, {.rows = 9, .shapes = {{"x", {2, 5}}}}, given));
  ASSERT_EQ(inputs.size(), 2u);
  EXPECT_EQ(inputs[0].bytes(), "\7\b");
  EXPECT_THAT(inputs[1].shape(), ElementsAre(2, 5));
}

TEST(MakeInputsTest, SaysWhatItCannotMake) {
  const auto expect = [](const client::ModelMetadata& model, const InputPlan& plan, const char* says) {
    EXPECT_THAT(MakeInputs(model, true, plan, {}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(says)));
  };
  expect(Model({{"x", "BYTES", {1}}}), {}, "input 'x': expected numbers");
  expect(Model({{"x", "FP32", {-1, -1}}}), {}, "leaves dimensions free: [-1, -1]");
  expect(Model({{"x", "FP32", {1}}}), {.shapes = {{"y", {1}}}}, "no input 'y'");
  expect(Model({{"x", "FP32", {-1}}}), {.shapes = {{"x", {int64_t{1} << 60}}}}, "expected at most");
  expect(Model({{"x", "FP32", {-1}}}), {.shapes = {{"x", {int64_t{1} << 40, int64_t{1} << 40}}}}, "");
}

TEST(ParseShapeTest, NamesAndDimensions) {
  EXPECT_EQ(ParseShape("x=1x3"), std::pair(std::string("x"), std::vector<int64_t>({1, 3})));
  EXPECT_EQ(ParseShape("a=b=7"), std::pair(std::string("a=b"), std::vector<int64_t>({7})));
  for (const char* text : {"", "x", "=1", "x=", "x=1x", "x=-1", "x=1,2", "x=99999999999999999999"}) {
    EXPECT_EQ(ParseShape(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace beak::cli
