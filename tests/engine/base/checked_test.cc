#include "engine/base/checked.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace beak {
namespace {

using ::testing::Eq;
using ::testing::Optional;

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

TEST(CheckedAddTest, GivesTheSumWhereItFits) {
  EXPECT_THAT(CheckedAdd<int64_t>(kMax - 1, 1), Optional(kMax));
  EXPECT_THAT(CheckedAdd<int64_t>(kMin, kMax), Optional(-1));
}

TEST(CheckedAddTest, GivesNothingWhereItDoesNot) {
  EXPECT_THAT(CheckedAdd<int64_t>(kMax, 1), Eq(std::nullopt));
  EXPECT_THAT(CheckedAdd<int64_t>(kMin, -1), Eq(std::nullopt));
  EXPECT_THAT(CheckedAdd<uint8_t>(255, 1), Eq(std::nullopt));
}

TEST(CheckedMulTest, GivesTheProductWhereItFits) {
  EXPECT_THAT(CheckedMul<int64_t>(int64_t{1} << 31, int64_t{1} << 31), Optional(int64_t{1} << 62));
  EXPECT_THAT(CheckedMul<int64_t>(kMax, 0), Optional(0));
}

TEST(CheckedMulTest, GivesNothingWhereItDoesNot) {
  EXPECT_THAT(CheckedMul<int64_t>(int64_t{1} << 32, int64_t{1} << 31), Eq(std::nullopt));
  EXPECT_THAT(CheckedMul<int64_t>(kMin, -1), Eq(std::nullopt));
  EXPECT_THAT(CheckedMul<size_t>(std::numeric_limits<size_t>::max(), 2), Eq(std::nullopt));
}

}  // namespace
}  // namespace beak
