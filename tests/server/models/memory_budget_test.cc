#include "server/models/memory_budget.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::StatusIs;

TEST(MemoryBudgetTest, TheLargerViewOfWhatIsHeldCounts) {
  EXPECT_EQ((MemoryUse{0, 50, 7, 30}.used()), 57);
  EXPECT_EQ((MemoryUse{0, 30, 7, 50}.used()), 57);
}

TEST(MemoryBudgetTest, WhatFitsExactlyFits) {
  const MemoryUse use{1000, 300, 200, 400};
  EXPECT_OK(CheckRoom(use, 400));
  EXPECT_THAT(CheckRoom(use, 401), StatusIs(absl::StatusCode::kResourceExhausted,
                                            AllOf(HasSubstr("1000"), HasSubstr("600"), HasSubstr("401"))));
}

TEST(MemoryBudgetTest, NothingFitsBeyondTheLimit) { EXPECT_FALSE(CheckRoom({1000, 2000, 0, 0}, 0).ok()); }

TEST(MemoryBudgetTest, ALoadTakesMoreThanItsFile) {
  EXPECT_GT(EstimateLoadBytes(0), 0);
  EXPECT_EQ(EstimateLoadBytes(1000) - EstimateLoadBytes(0), 1500);
}

TEST(MemoryBudgetTest, ATenthIsKeptBack) { EXPECT_EQ(DefaultMemoryLimit(1000), 900); }

}  // namespace
}  // namespace beak
