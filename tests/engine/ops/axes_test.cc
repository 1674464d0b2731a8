#include "engine/ops/axes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(AxesTest, CountsFromTheEndAndKeepsTheOrder) {
  EXPECT_THAT(*ResolveAxes({-1, 0, 2}, 4), ElementsAre(3, 0, 2));
  EXPECT_THAT(*ResolveAxes({}, 4), IsEmpty());
}

TEST(AxesTest, RefusesWhatIsOutOfRangeOrTwice) {
  EXPECT_FALSE(ResolveAxes({4}, 4).ok());
  EXPECT_FALSE(ResolveAxes({-5}, 4).ok());
  EXPECT_FALSE(ResolveAxes({3, -1}, 4).ok());
  EXPECT_FALSE(ResolveAxes({0}, 0).ok());
}

TEST(AxesTest, ReductionsRunOverAllUnlessTold) {
  Node node;
  using Ints = std::vector<int64_t>;
  EXPECT_THAT(*ResolveReduceAxes(node, Ints{-1, 0}, 3), ElementsAre(0, 2));
  EXPECT_THAT(*ResolveReduceAxes(node, std::nullopt, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(*ResolveReduceAxes(node, Ints{}, 3), ElementsAre(0, 1, 2));
  node.attributes["noop_with_empty_axes"] = int64_t{1};
  EXPECT_THAT(*ResolveReduceAxes(node, Ints{}, 3), IsEmpty());
  EXPECT_THAT(*ResolveReduceAxes(node, std::nullopt, 3), IsEmpty());
  EXPECT_THAT(*ResolveReduceAxes(node, Ints{1}, 3), ElementsAre(1));
}

}  // namespace
}  // namespace beak
