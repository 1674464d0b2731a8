#include "client/tensor_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak::client {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename T>
class TensorValueElementTest : public ::testing::Test {};
using Elements =
    ::testing::Types<uint8_t, uint16_t, uint32_t, uint64_t, int8_t, int16_t, int32_t, int64_t, float, double>;
TYPED_TEST_SUITE(TensorValueElementTest, Elements);

TYPED_TEST(TensorValueElementTest, ComesBack) {
  const std::vector<TypeParam> values = {1, 2, 3, 4, 5, 6};
  ASSERT_OK_AND_ASSIGN(const TensorValue value, TensorValue::Of("x", {2, 3}, values));
  EXPECT_EQ(value.name(), "x");
  EXPECT_THAT(value.shape(), ElementsAre(2, 3));
  EXPECT_EQ(value.num_elements(), 6);
  EXPECT_EQ(value.bytes().size(), 6 * sizeof(TypeParam));
  EXPECT_EQ(wire::Describe(value.datatype()).byte_size, sizeof(TypeParam));
  EXPECT_THAT(value.Values<TypeParam>(), IsOkAndHolds(values));
}

TEST(TensorValueTest, EachElementTypeHasItsDatatype) {
  EXPECT_EQ(TensorValue::Of<float>("x", {1}, {1})->datatype(), Datatype::kFp32);
  EXPECT_EQ(TensorValue::Of<double>("x", {1}, {1})->datatype(), Datatype::kFp64);
  EXPECT_EQ(TensorValue::Of<uint8_t>("x", {1}, {1})->datatype(), Datatype::kUint8);
  EXPECT_EQ(TensorValue::Of<int8_t>("x", {1}, {1})->datatype(), Datatype::kInt8);
  EXPECT_EQ(TensorValue::Of<int64_t>("x", {1}, {1})->datatype(), Datatype::kInt64);
}

TEST(TensorValueTest, BoolsAreBytes) {
  ASSERT_OK_AND_ASSIGN(const TensorValue value, TensorValue::Of("x", {2}, std::vector<bool>{true, false}));
  EXPECT_EQ(value.bytes(), std::string("\1\0", 2));
  EXPECT_THAT(value.Values<bool>(), IsOkAndHolds(ElementsAre(true, false)));
}

TEST(TensorValueTest, StringsComeBack) {
  ASSERT_OK_AND_ASSIGN(const TensorValue value, TensorValue::FromStrings("x", {2}, {"", "two"}));
  EXPECT_EQ(value.bytes(), std::string("\0\0\0\0\3\0\0\0two", 11));
  EXPECT_THAT(value.Strings(), IsOkAndHolds(ElementsAre("", "two")));
}

TEST(TensorValueTest, ScalarsAndEmptyTensors) {
  EXPECT_EQ(TensorValue::Of<float>("x", {}, {1})->num_elements(), 1);
  EXPECT_THAT(TensorValue::Of<float>("x", {0, 3}, {})->Values<float>(), IsOkAndHolds(IsEmpty()));
}

TEST(TensorValueTest, TheShapeMustFit) {
  EXPECT_THAT(
      TensorValue::Of<float>("x", {2}, {1}),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("tensor 'x': expected 2 elements of FP32, got 4")));
  EXPECT_THAT(TensorValue::FromBytes("x", Datatype::kFp16, {1}, "abc"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(TensorValue::FromBytes("x", Datatype::kFp32, {-1}, ""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(TensorValue::FromBytes("x", Datatype::kFp32, {int64_t{1} << 62, 4}, ""),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(TensorValue::FromBytes("x", Datatype::kFp32, {int64_t{1} << 62}, ""),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(TensorValue::FromStrings("x", {1}, {"a", "b"}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(TensorValueTest, IsReadAsWhatItIs) {
  ASSERT_OK_AND_ASSIGN(const TensorValue value, TensorValue::Of<float>("x", {1}, {1}));
  EXPECT_THAT(value.Values<int32_t>(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected to be read as FP32, got INT32")));
  EXPECT_THAT(value.Strings(), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(TensorValueTest, ReleasedBytesLeaveAnEmptyTensor) {
  ASSERT_OK_AND_ASSIGN(TensorValue value, TensorValue::Of<uint8_t>("x", {2}, {65, 66}));
  EXPECT_EQ(std::move(value).ReleaseBytes(), "AB");
  EXPECT_EQ(value.num_elements(), 0);  // NOLINT: what is left is defined
}

}  // namespace
}  // namespace beak::client
