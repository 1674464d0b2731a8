#include "client/cli/class_scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak::cli {
namespace {

using ::beak::testing::StatusIs;
using ::testing::HasSubstr;

int64_t Count(const std::string& datatype, std::vector<int64_t> shape, int max_batch_size) {
  return CountClasses({"y", datatype, std::move(shape)}, max_batch_size);
}

TEST(CountClassesTest, OneLongDimensionIsClasses) {
  EXPECT_EQ(Count("FP32", {-1, 1000}, 64), 1000);
  EXPECT_EQ(Count("FP16", {1, 1000, 1, 1}, 0), 1000);
  EXPECT_EQ(Count("FP32", {10}, 0), 10);
  EXPECT_EQ(Count("FP32", {-1, 10}, 0), 10);
}

TEST(CountClassesTest, OtherShapesAndTypesAreNot) {
  EXPECT_EQ(Count("FP32", {-1, 4420, 4}, 64), 0);
  EXPECT_EQ(Count("FP32", {-1, 1}, 64), 0);
  EXPECT_EQ(Count("FP32", {-1, -1}, 64), 0);
  EXPECT_EQ(Count("FP32", {-1}, 64), 0);
  EXPECT_EQ(Count("FP32", {}, 0), 0);
  EXPECT_EQ(Count("INT64", {-1, 10}, 64), 0);
  EXPECT_EQ(Count("BYTES", {-1, 10}, 64), 0);
  EXPECT_EQ(Count("FP32", {-1, 10'000'000}, 64), 0);
}

TEST(ParseClassesTest, ReadsRowsOfScores) {
  ASSERT_OK_AND_ASSIGN(
      const client::TensorValue value,
      client::TensorValue::FromStrings("y", {2, 2}, {"0.9:7:seven", "0.1:1", "-1.5e-3:3:a:b", "nan:0"}));
  ASSERT_OK_AND_ASSIGN(const auto rows, ParseClasses(value));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0][0].score, 0.9);
  EXPECT_EQ(rows[0][0].index, 7);
  EXPECT_EQ(rows[0][0].label, "seven");
  EXPECT_EQ(rows[0][1].label, "");
  EXPECT_EQ(rows[1][0].score, -1.5e-3);
  EXPECT_EQ(rows[1][0].label, "a:b");
}

TEST(ParseClassesTest, OneDimensionIsOneRow) {
  ASSERT_OK_AND_ASSIGN(const client::TensorValue value, client::TensorValue::FromStrings("y", {2}, {"1:0", "2:1"}));
  EXPECT_EQ(ParseClasses(value)->size(), 1u);
}

TEST(ParseClassesTest, RefusesOtherTensors) {
  EXPECT_THAT(ParseClasses(*client::TensorValue::Of<float>("y", {1}, {1})),
              StatusIs(absl::StatusCode::kInvalidArgument));
  for (const char* text : {"", "0.5", "0.5:", "x:1", "0.5:x"}) {
    EXPECT_THAT(ParseClasses(*client::TensorValue::FromStrings("y", {1}, {text})),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("value:index:label")))
        << text;
  }
}

}  // namespace
}  // namespace beak::cli
