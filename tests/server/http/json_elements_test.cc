#include "server/http/json_elements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "engine/tensor/dtype.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;
using wire::Datatype;

template <typename T>
std::vector<T> Values(const JsonElements& elements, Datatype datatype) {
  const absl::StatusOr<std::string> raw = elements.ToRaw(datatype);
  EXPECT_OK(raw);
  if (!raw.ok()) return {};
  std::vector<T> values(raw->size() / sizeof(T));
  std::memcpy(values.data(), raw->data(), raw->size());
  return values;
}

TEST(JsonElementsTest, WholeNumbersBecomeWhatTheTensorIs) {
  JsonElements elements;
  ASSERT_OK(elements.AddSigned(-128));
  ASSERT_OK(elements.AddUnsigned(127));
  EXPECT_THAT(Values<int8_t>(elements, Datatype::kInt8), ElementsAre(-128, 127));
  EXPECT_THAT(Values<int64_t>(elements, Datatype::kInt64), ElementsAre(-128, 127));
  EXPECT_THAT(Values<float>(elements, Datatype::kFp32), ElementsAre(-128.0f, 127.0f));
  EXPECT_THAT(elements.ToRaw(Datatype::kUint8),
              StatusIs(absl::StatusCode::kInvalidArgument, "element 0: expected a value of UINT8, got -128"));
}

TEST(JsonElementsTest, WholeNumbersOfSixtyFourBitsStayExact) {
  constexpr int64_t kSmallest = std::numeric_limits<int64_t>::min();
  JsonElements elements;
  ASSERT_OK(elements.AddSigned(kSmallest));
  ASSERT_OK(elements.AddUnsigned(std::numeric_limits<int64_t>::max()));
  EXPECT_THAT(Values<int64_t>(elements, Datatype::kInt64), ElementsAre(kSmallest, std::numeric_limits<int64_t>::max()));
  JsonElements large;
  ASSERT_OK(large.AddUnsigned(1));
  ASSERT_OK(large.AddUnsigned(std::numeric_limits<uint64_t>::max()));
  ASSERT_OK(large.AddUnsigned(2));
  EXPECT_THAT(Values<uint64_t>(large, Datatype::kUint64), ElementsAre(1u, std::numeric_limits<uint64_t>::max(), 2u));
  EXPECT_THAT(large.ToRaw(Datatype::kInt64), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("element 1")));
}

TEST(JsonElementsTest, NumbersOfAnyKindMayBeMixedInFloats) {
  JsonElements elements;
  ASSERT_OK(elements.AddSigned(-3));
  ASSERT_OK(elements.AddUnsigned(std::numeric_limits<uint64_t>::max()));
  ASSERT_OK(elements.AddFloat(0.5));
  ASSERT_OK(elements.AddSigned(-1));
  EXPECT_THAT(Values<double>(elements, Datatype::kFp64), ElementsAre(-3.0, 18446744073709551616.0, 0.5, -1.0));
  JsonElements negative;
  ASSERT_OK(negative.AddUnsigned(std::numeric_limits<uint64_t>::max()));
  ASSERT_OK(negative.AddSigned(-1));
  EXPECT_THAT(Values<double>(negative, Datatype::kFp64), ElementsAre(18446744073709551616.0, -1.0));
}

TEST(JsonElementsTest, AFractionIsNoWholeNumber) {
  JsonElements elements;
  ASSERT_OK(elements.AddUnsigned(1));
  ASSERT_OK(elements.AddFloat(1.5));
  EXPECT_THAT(elements.ToRaw(Datatype::kInt32),
              StatusIs(absl::StatusCode::kInvalidArgument, "element 1: expected a value of INT32, got 1.5"));
}

TEST(JsonElementsTest, WhatOverflowsAFloatIsRefused) {
  JsonElements elements;
  ASSERT_OK(elements.AddFloat(1e300));
  EXPECT_OK(elements.ToRaw(Datatype::kFp64));
  EXPECT_THAT(elements.ToRaw(Datatype::kFp32), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("FP32")));
  EXPECT_THAT(elements.ToRaw(Datatype::kFp16), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("FP16")));
  EXPECT_THAT(elements.ToRaw(Datatype::kBf16), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("binary data")));
}

TEST(JsonElementsTest, HalvesAreRounded) {
  JsonElements elements;
  ASSERT_OK(elements.AddFloat(0.1));
  EXPECT_THAT(Values<uint16_t>(elements, Datatype::kFp16), ElementsAre(FloatToHalf(0.1f)));
}

TEST(JsonElementsTest, BooleansMayBeOnesAndZeros) {
  JsonElements words, numbers, wrong;
  ASSERT_OK(words.AddBool(true));
  ASSERT_OK(words.AddBool(false));
  ASSERT_OK(numbers.AddUnsigned(1));
  ASSERT_OK(numbers.AddUnsigned(0));
  ASSERT_OK(wrong.AddUnsigned(2));
  EXPECT_THAT(Values<uint8_t>(words, Datatype::kBool), ElementsAre(1, 0));
  EXPECT_THAT(Values<uint8_t>(numbers, Datatype::kBool), ElementsAre(1, 0));
  EXPECT_THAT(wrong.ToRaw(Datatype::kBool), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(words.ToRaw(Datatype::kInt32), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(JsonElementsTest, TextsAreBytes) {
  JsonElements elements;
  ASSERT_OK(elements.AddText("ab"));
  ASSERT_OK(elements.AddText(""));
  ASSERT_OK_AND_ASSIGN(const std::string raw, elements.ToRaw(Datatype::kBytes));
  EXPECT_EQ(raw, std::string("\2\0\0\0ab\0\0\0\0", 10));
  EXPECT_THAT(elements.ToRaw(Datatype::kFp32), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a text")));
}

TEST(JsonElementsTest, KindsAreNotMixed) {
  JsonElements elements;
  ASSERT_OK(elements.AddUnsigned(1));
  EXPECT_THAT(elements.AddBool(true), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(elements.AddText("1"), StatusIs(absl::StatusCode::kInvalidArgument));
  JsonElements texts;
  ASSERT_OK(texts.AddText("1"));
  EXPECT_THAT(texts.AddFloat(1), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(JsonElementsTest, NoElementsAreOfAnyType) {
  for (const wire::DatatypeInfo& info : wire::AllDatatypes()) {
    if (info.datatype == Datatype::kBf16) continue;
    EXPECT_THAT(JsonElements().ToRaw(info.datatype), testing::IsOkAndHolds("")) << info.name;
  }
}

}  // namespace
}  // namespace beak
