#include "server/predict/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

// Up to four rows of an image of free width and of a number; two outputs.
Signature TwoInputs() {
  Signature signature;
  signature.max_batch_size = 4;
  signature.inputs = {{"image", DType::kUint8, {3, kFreeDim}, {3, kFreeDim}, 0, {}},
                      {"scale", DType::kFloat32, {1}, {}, 1, {}}};
  signature.outputs = {{"y", DType::kFloat32, {10}, {10}, 0, {}}, {"z", DType::kInt64, {}, {}, 1, {}}};
  return signature;
}

class ValidateTest : public ::testing::Test {
 protected:
  // A tensor whose bytes are as many as given.
  InputTensor Input(const char* name, std::optional<DType> dtype, std::vector<int64_t> shape, size_t bytes) {
    return {name, dtype, std::move(shape), std::span(bytes_).first(bytes)};
  }
  std::vector<InputTensor> Good() {
    return {Input("scale", DType::kFloat32, {2, 1}, 8), Input("image", DType::kUint8, {2, 3, 5}, 30)};
  }

  const std::vector<std::byte> bytes_{1000};
  const Signature signature_ = TwoInputs();
};

TEST_F(ValidateTest, SortsInputsIntoTheNetworksOrderAndShapes) {
  const auto inputs = Good();
  ASSERT_OK_AND_ASSIGN(const ValidRequest valid, Validate(signature_, false, inputs, {}));
  EXPECT_EQ(valid.rows, 2);
  EXPECT_THAT(valid.row_shapes, ElementsAre(ElementsAre(3, 5), ElementsAre())) << "the scale is reshaped";
  EXPECT_EQ(valid.data[0].size(), 30u);
  EXPECT_EQ(valid.data[1].size(), 8u);
  ASSERT_EQ(valid.outputs.size(), 2u);
  EXPECT_EQ(valid.outputs[1].index, 1);
}

TEST_F(ValidateTest, OutputsMayBeChosen) {
  ASSERT_OK_AND_ASSIGN(const ValidRequest valid, Validate(signature_, false, Good(), {{"z", 0}, {"y", 3}}));
  ASSERT_EQ(valid.outputs.size(), 2u);
  EXPECT_EQ(valid.outputs[0].index, 1);
  EXPECT_EQ(valid.outputs[1].index, 0);
  EXPECT_EQ(valid.outputs[1].classes, 3);
}

TEST_F(ValidateTest, WithoutABatchDimensionThereIsOneRow) {
  Signature signature;
  signature.inputs = {{"x", DType::kFloat32, {1, kFreeDim}, {1, kFreeDim}, 0, {}}};
  signature.outputs = {{"y", DType::kFloat32, {}, {}, 0, {}}};
  ASSERT_OK_AND_ASSIGN(const ValidRequest valid,
                       Validate(signature, false, {Input("x", DType::kFloat32, {1, 7}, 28)}, {}));
  EXPECT_EQ(valid.rows, 1);
  EXPECT_THAT(valid.row_shapes, ElementsAre(ElementsAre(1, 7)));
}

struct BadCase {
  const char* name;
  std::function<void(std::vector<InputTensor>&)> spoil;
  const char* place;
  const char* says;
};

TEST_F(ValidateTest, WhatDoesNotFitIsNamed) {
  const std::vector<BadCase> cases = {
      {"unknown name", [](auto& in) { in[0].name = "size"; }, "input 'size'", "expected one of 'image', 'scale'"},
      {"empty name", [](auto& in) { in[0].name = ""; }, "input ''", "expected one of"},
      {"missing", [](auto& in) { in.pop_back(); }, "input 'image'", "expected, got none"},
      {"none at all", [](auto& in) { in.clear(); }, "input 'image'", "expected, got none"},
      {"twice", [](auto& in) { in.push_back(in[0]); }, "input 'scale'", "twice"},
      {"type", [](auto& in) { in[1].dtype = DType::kInt8; }, "input 'image'", "expected UINT8, got INT8"},
      {"strings", [](auto& in) { in[1].dtype = std::nullopt; }, "input 'image'", "expected UINT8, got another"},
      {"rank below",
       [](auto& in) {
         in[1].shape = {2, 15};
       },
       "input 'image'", "expected [-1, 3, -1], got [2, 15]"},
      {"rank above",
       [](auto& in) {
         in[1].shape = {2, 3, 5, 1};
       },
       "input 'image'", "got [2, 3, 5, 1]"},
      {"no dimensions", [](auto& in) { in[1].shape = {}; }, "input 'image'", "got []"},
      {"size",
       [](auto& in) {
         in[1].shape = {2, 5, 3};
       },
       "input 'image'", "expected [-1, 3, -1], got [2, 5, 3]"},
      {"zero",
       [](auto& in) {
         in[1].shape = {2, 3, 0};
       },
       "input 'image'", "got [2, 3, 0]"},
      {"negative",
       [](auto& in) {
         in[1].shape = {2, 3, -5};
       },
       "input 'image'", "got [2, 3, -5]"},
      {"free size -1",
       [](auto& in) {
         in[1].shape = {2, 3, -1};
       },
       "input 'image'", "got [2, 3, -1]"},
      {"empty batch",
       [](auto& in) {
         in[1].shape = {0, 3, 5};
       },
       "input 'image'", "batch size: expected 1 to 4, got 0"},
      {"negative batch", [](auto& in) { in[1].shape[0] = -2; }, "input 'image'", "batch size: expected 1 to 4, got -2"},
      {"large batch", [](auto& in) { in[1].shape[0] = 5; }, "input 'image'", "batch size: expected 1 to 4, got 5"},
      {"bytes", [](auto& in) { in[1].data = in[1].data.first(29); }, "input 'image'", "expected 30 bytes"},
      {"no bytes", [](auto& in) { in[1].data = {}; }, "input 'image'", "expected 30 bytes"},
      {"rows that differ",
       [&](auto& in) {
         in[0] = Input("scale", DType::kFloat32, {3, 1}, 12);
       },
       "input 'scale'", "expected 2 as for input 'image', got 3"},
  };
  for (const BadCase& c : cases) {
    auto inputs = Good();
    c.spoil(inputs);
    EXPECT_THAT(Validate(signature_, false, inputs, {}),
                StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr(c.place), HasSubstr(c.says))))
        << c.name;
  }
}

TEST_F(ValidateTest, MoreRowsThanABatchMayBeSplit) {
  const std::vector<InputTensor> inputs = {Input("scale", DType::kFloat32, {9, 1}, 36),
                                           Input("image", DType::kUint8, {9, 3, 5}, 135)};
  ASSERT_OK_AND_ASSIGN(const ValidRequest valid, Validate(signature_, true, inputs, {}));
  EXPECT_EQ(valid.rows, 9);
  auto too_many = Good();
  too_many[1].shape[0] = kMaxRequestRows + 1;
  EXPECT_THAT(Validate(signature_, true, too_many, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("batch size: expected 1 to 65536")));
}

TEST_F(ValidateTest, SizesThatOverflowAreRefused) {
  auto inputs = Good();
  inputs[1].shape = {2, 3, int64_t{1} << 62};
  EXPECT_FALSE(Validate(signature_, false, inputs, {}).ok());
  inputs[1].shape = {2, 3, int64_t{1} << 40};
  EXPECT_THAT(Validate(signature_, false, inputs, {}), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(ValidateTest, OutputsMustExistAndStandOnce) {
  EXPECT_THAT(Validate(signature_, false, Good(), {{"nosuch", 0}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("output 'nosuch': expected one of 'y', 'z'")));
  EXPECT_THAT(Validate(signature_, false, Good(), {{"y", 0}, {"y", 1}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("twice")));
}

}  // namespace
}  // namespace beak
