#include "engine/tensor/shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/base/limits.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

TEST(ByteSizeTest, IsTheProductTimesTheElement) {
  EXPECT_THAT(CheckedByteSize({2, 3, 28, 28}, DType::kFloat32), IsOkAndHolds(2 * 3 * 28 * 28 * 4));
  EXPECT_THAT(CheckedByteSize({}, DType::kFloat64), IsOkAndHolds(8));
  EXPECT_THAT(CheckedByteSize({5, 0, 7}, DType::kInt8), IsOkAndHolds(0));
}

TEST(ByteSizeTest, NegativeDimensionsAreRefused) {
  EXPECT_THAT(CheckedByteSize({2, -1}, DType::kUint8),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("got -1")));
  EXPECT_THAT(CheckedByteSize({0, -1}, DType::kUint8), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ByteSizeTest, TheLimitItselfFits) {
  EXPECT_THAT(CheckedByteSize({limits::kMaxTensorBytes}, DType::kUint8), IsOkAndHolds(limits::kMaxTensorBytes));
  EXPECT_THAT(CheckedByteSize({limits::kMaxTensorBytes + 1}, DType::kUint8),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(ByteSizeTest, OverflowIsRefusedWhereverItHappens) {
  EXPECT_THAT(CheckedByteSize({kHuge}, DType::kFloat32), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(CheckedByteSize({kHuge, kHuge}, DType::kUint8), StatusIs(absl::StatusCode::kResourceExhausted));
  // 2^32 * 2^32 is 0 in 64 bits.
  EXPECT_THAT(CheckedByteSize({int64_t{1} << 32, int64_t{1} << 32}, DType::kUint8),
              StatusIs(absl::StatusCode::kResourceExhausted));
  // An empty tensor may not hide an overflow of its strides either.
  EXPECT_THAT(CheckedByteSize({0, kHuge, kHuge}, DType::kUint8), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(CheckedByteSize({kHuge, kHuge, 0}, DType::kUint8), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(ByteSizeTest, TheRankIsLimited) {
  EXPECT_THAT(CheckedByteSize(Shape(limits::kMaxRank, 1), DType::kUint8), IsOkAndHolds(1));
  EXPECT_THAT(CheckedByteSize(Shape(limits::kMaxRank + 1, 1), DType::kUint8),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("16 dimensions, got 17")));
}

TEST(ShapeTest, CountsElements) {
  EXPECT_EQ(NumElements({}), 1);
  EXPECT_EQ(NumElements({2, 3}), 6);
  EXPECT_EQ(NumElements({2, 0}), 0);
}

TEST(ShapeTest, StridesAreRowMajor) {
  EXPECT_THAT(Strides({2, 3, 4}), ElementsAre(12, 4, 1));
  EXPECT_THAT(Strides({}), IsEmpty());
}

TEST(ShapeTest, Prints) {
  EXPECT_EQ(ToString(Shape{2, 3, 28}), "[2, 3, 28]");
  EXPECT_EQ(ToString(Shape{}), "[]");
}

TEST(BroadcastTest, FollowsNumpy) {
  EXPECT_THAT(Broadcast({2, 3}, {2, 3}), IsOkAndHolds(ElementsAre(2, 3)));
  EXPECT_THAT(Broadcast({8, 1, 6, 1}, {7, 1, 5}), IsOkAndHolds(ElementsAre(8, 7, 6, 5)));
  EXPECT_THAT(Broadcast({7, 1, 5}, {8, 1, 6, 1}), IsOkAndHolds(ElementsAre(8, 7, 6, 5)));
  EXPECT_THAT(Broadcast({}, {4}), IsOkAndHolds(ElementsAre(4)));
  EXPECT_THAT(Broadcast({}, {}), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(Broadcast({0}, {1}), IsOkAndHolds(ElementsAre(0)));
  EXPECT_THAT(Broadcast({1}, {0}), IsOkAndHolds(ElementsAre(0)));
}

TEST(BroadcastTest, RefusesWhatDoesNotFit) {
  EXPECT_THAT(Broadcast({2, 3}, {2}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("[2, 3] and [2]")));
  EXPECT_THAT(Broadcast({0}, {2}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(NormalizeAxisTest, CountsFromTheEndWhenNegative) {
  EXPECT_THAT(NormalizeAxis(0, 3), IsOkAndHolds(0));
  EXPECT_THAT(NormalizeAxis(-1, 3), IsOkAndHolds(2));
  EXPECT_THAT(NormalizeAxis(-3, 3), IsOkAndHolds(0));
  for (const int64_t axis : {int64_t{3}, int64_t{-4}, kHuge, -kHuge}) {
    EXPECT_THAT(NormalizeAxis(axis, 3), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("axis")));
  }
  EXPECT_THAT(NormalizeAxis(0, 0), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(DimTest, SameMeansSurelyEqual) {
  EXPECT_TRUE(Dim(3).Same(3));
  EXPECT_FALSE(Dim(3).Same(4));
  EXPECT_TRUE(Dim::Symbol("n").Same(Dim::Symbol("n")));
  EXPECT_FALSE(Dim::Symbol("n").Same(Dim::Symbol("m")));
  EXPECT_FALSE(Dim::Symbol("n").Same(3));
  EXPECT_FALSE(Dim(3).Same(Dim()));
  EXPECT_FALSE(Dim().Same(Dim()));
}

TEST(PartialShapeTest, ConvertsAndPrints) {
  const PartialShape partial = {Dim::Symbol("batch"), 3, Dim(), 28};
  EXPECT_FALSE(IsStatic(partial));
  EXPECT_EQ(ToString(partial), "[batch, 3, ?, 28]");
  EXPECT_TRUE(IsStatic(ToPartial({2, 3})));
  EXPECT_THAT(ToShape(ToPartial({2, 3})), ElementsAre(2, 3));
}

}  // namespace
}  // namespace beak
