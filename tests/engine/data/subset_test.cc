#include "engine/data/subset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/data/sources.h"
#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(SubsetTest, HasTheSamplesInTheOrderGiven) {
  ASSERT_OK_AND_ASSIGN(const SourcePtr subset, MakeSubset(testing::Numbers(5), {4, 0}));
  EXPECT_EQ(subset->size(), 2);
  EXPECT_EQ(Describe(subset->schema()), "x float32 [2], label int64 []");
  ASSERT_OK_AND_ASSIGN(const Sample first, subset->Read(0));
  EXPECT_THAT(testing::ValuesOf<float>(first[0]), ElementsAre(4, -4));
  ASSERT_OK_AND_ASSIGN(const Sample second, subset->Read(1));
  EXPECT_THAT(testing::ValuesOf<float>(second[0]), ElementsAre(0, 0));
}

TEST(SubsetTest, RefusesNumbersThatAreWrong) {
  const auto expect = [](std::vector<int64_t> indices, const std::string& message) {
    EXPECT_THAT(MakeSubset(testing::Numbers(5), std::move(indices)),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  };
  expect({}, "at least one sample");
  expect({0, 5}, "samples 0 to 4, got 5");
  expect({-1}, "got -1");
  expect({1, 2, 1}, "got 1 twice");
}

}  // namespace
}  // namespace beak::data
