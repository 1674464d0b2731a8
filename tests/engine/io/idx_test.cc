#include "engine/io/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Two zeros, a type, a shape and the data.
std::string File(char type, const std::vector<uint32_t>& shape, const std::string& data = "") {
  std::string file = {0, 0, type, static_cast<char>(shape.size())};
  for (const uint32_t dim : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<char>(dim >> shift));
  }
  return file + data;
}

TEST(ParseIdxTest, ReadsBytes) {
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, ParseIdx(File(8, {2, 1, 2}, "\1\2\3\xff")));
  EXPECT_EQ(tensor.dtype(), DType::kUint8);
  EXPECT_THAT(tensor.shape(), ElementsAre(2, 1, 2));
  EXPECT_THAT(tensor.values<uint8_t>(), ElementsAre(1, 2, 3, 255));
}

TEST(ParseIdxTest, TurnsWideElementsRound) {
  ASSERT_OK_AND_ASSIGN(const Tensor int8, ParseIdx(File(9, {1}, "\xfe")));
  EXPECT_THAT(int8.values<int8_t>(), ElementsAre(-2));
  ASSERT_OK_AND_ASSIGN(const Tensor int16, ParseIdx(File(11, {2}, std::string("\1\2\xff\xfe", 4))));
  EXPECT_THAT(int16.values<int16_t>(), ElementsAre(258, -2));
  ASSERT_OK_AND_ASSIGN(const Tensor int32, ParseIdx(File(12, {1}, std::string("\0\0\1\2", 4))));
  EXPECT_THAT(int32.values<int32_t>(), ElementsAre(258));
  ASSERT_OK_AND_ASSIGN(const Tensor float32, ParseIdx(File(13, {1}, std::string("\x3f\xc0\0\0", 4))));
  EXPECT_THAT(float32.values<float>(), ElementsAre(1.5f));
  ASSERT_OK_AND_ASSIGN(const Tensor float64, ParseIdx(File(14, {1}, std::string("\xbf\xf8\0\0\0\0\0\0", 8))));
  EXPECT_THAT(float64.values<double>(), ElementsAre(-1.5));
}

TEST(ParseIdxTest, EmptyArraysHaveNoData) {
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, ParseIdx(File(8, {0, 28, 28})));
  EXPECT_THAT(tensor.values<uint8_t>(), IsEmpty());
}

TEST(ParseIdxTest, EveryTruncationIsAnError) {
  const std::string file = File(11, {2, 1}, "abcd");
  ASSERT_OK(ParseIdx(file));
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_THAT(ParseIdx(file.substr(0, size)), StatusIs(absl::StatusCode::kInvalidArgument)) << size;
  }
  EXPECT_THAT(ParseIdx(file + "x"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected 4 bytes of data for shape [2, 1]")));
}

TEST(ParseIdxTest, RefusesHeadersThatAreWrong) {
  const auto expect = [](const std::string& file, const std::string& message) {
    EXPECT_THAT(ParseIdx(file), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  expect("P5 28 28 255 ", "an IDX file");
  expect(File(10, {1}, "x"), "type: expected one of");
  expect(File(8, {}, "x"), "1 to 16 dimensions, got 0");
  expect(File(8, std::vector<uint32_t>(17, 1), "x"), "got 17");
  expect(File(8, {0x7fffffff}), "expected 2147483647 bytes");
}

TEST(ParseIdxTest, AHeaderMayNotClaimMemoryThatTheFileHasNot) {
  EXPECT_THAT(ParseIdx(File(14, {0xffffffff, 0xffffffff, 0xffffffff})), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace beak
