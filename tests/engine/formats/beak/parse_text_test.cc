#include "engine/formats/beak/parse_text.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::StatusIs;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

// A message that can hold itself.
std::string Nested(int depth) {
  std::string text = "number_value: 1";
  for (int i = 0; i < depth; ++i) text = "list_value { values { " + text + " } }";
  return text;
}

TEST(ParseTextTest, ReadsAnyMessage) {
  google::protobuf::Value value;
  ASSERT_OK(ParseText(Nested(3), 1000, value));
  EXPECT_EQ(value.list_value().values(0).list_value().values(0).list_value().values(0).number_value(), 1);
}

TEST(ParseTextTest, TellsTheFirstErrorWithItsPlace) {
  google::protobuf::Value value;
  EXPECT_THAT(ParseText("\n  nothing: 1\nat_all: 2", 1000, value), StatusIs(kInvalid, StartsWith("2:10: ")));
}

TEST(ParseTextTest, RefusesWhatNestsTooDeep) {
  google::protobuf::Value value;
  EXPECT_OK(ParseText(Nested(15), 100'000, value));
  EXPECT_THAT(ParseText(Nested(20), 100'000, value), StatusIs(kInvalid, HasSubstr("too deep")));
  EXPECT_THAT(ParseText(Nested(4000), 1'000'000, value), StatusIs(kInvalid, HasSubstr("too deep")));
}

TEST(ParseTextTest, RefusesWhatIsTooLong) {
  google::protobuf::Value value;
  EXPECT_OK(ParseText("number_value: 1", 15, value));
  EXPECT_THAT(ParseText("number_value: 1", 14, value),
              StatusIs(absl::StatusCode::kResourceExhausted, "text: expected at most 14 bytes, got 15"));
}

}  // namespace
}  // namespace beak
