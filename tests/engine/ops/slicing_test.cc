#include "engine/ops/slicing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace beak {
namespace {

using ::testing::ElementsAre;
using Ints = std::vector<int64_t>;

// The indices that a plain reading of ONNX's rules picks: NumPy's, but that a start in front of the first element is
// the first element also when steps go backwards.
Ints Naive(int64_t dim, int64_t start, int64_t end, int64_t step) {
  const auto place = [&](int64_t index) { return index < 0 ? index + dim : index; };
  Ints picked;
  if (step > 0) {
    for (int64_t i = std::max<int64_t>(place(start), 0); i < std::min(place(end), dim); i += step) picked.push_back(i);
  } else {
    for (int64_t i = std::min(std::max<int64_t>(place(start), 0), dim - 1); i >= 0 && i > place(end); i += step)
      picked.push_back(i);
  }
  return picked;
}

TEST(SlicingTest, PicksWhatOnnxPicks) {
  for (int64_t dim = 0; dim <= 4; ++dim) {
    for (int64_t start = -6; start <= 6; ++start) {
      for (int64_t end = -6; end <= 6; ++end) {
        for (const int64_t step : {-3, -2, -1, 1, 2, 3}) {
          const auto slice = ResolveSlice({dim}, {start}, {end}, std::nullopt, Ints{step});
          ASSERT_TRUE(slice.ok()) << slice.status();
          Ints picked;
          for (int64_t i = 0; i < slice->output[0]; ++i) picked.push_back(slice->starts[0] + i * slice->steps[0]);
          EXPECT_EQ(picked, Naive(dim, start, end, step)) << dim << ": " << start << ":" << end << ":" << step;
        }
      }
    }
  }
}

TEST(SlicingTest, LeavesOtherDimensionsWhole) {
  const auto slice = ResolveSlice({2, 5, 7}, {1}, {4}, Ints{1}, Ints{2});
  ASSERT_TRUE(slice.ok()) << slice.status();
  EXPECT_THAT(slice->starts, ElementsAre(0, 1, 0));
  EXPECT_THAT(slice->steps, ElementsAre(1, 2, 1));
  EXPECT_THAT(slice->output, ElementsAre(2, 2, 7));
}

TEST(SlicingTest, PadsFollowTheirAxes) {
  const auto pads = ResolvePads(3, {1, 2, 3, -4}, Ints{-1, 0});
  ASSERT_TRUE(pads.ok()) << pads.status();
  EXPECT_THAT(pads->begin, ElementsAre(2, 0, 1));
  EXPECT_THAT(pads->end, ElementsAre(-4, 0, 3));
  EXPECT_FALSE(ResolvePads(2, {1, 2}, std::nullopt).ok());
  EXPECT_FALSE(ResolvePads(2, {1, 2, 3, 4}, Ints{0, 0}).ok());
}

TEST(SlicingTest, SplitsInEqualPartsButTheLast) {
  EXPECT_THAT(*ResolveSplit(6, std::nullopt, 3), ElementsAre(2, 2, 2));
  EXPECT_THAT(*ResolveSplit(7, std::nullopt, 3), ElementsAre(3, 3, 1));
  EXPECT_THAT(*ResolveSplit(5, std::nullopt, 4), ElementsAre(2, 2, 1, 0));
  EXPECT_THAT(*ResolveSplit(0, std::nullopt, 2), ElementsAre(0, 0));
  EXPECT_THAT(*ResolveSplit(6, Ints{6, 0}, 2), ElementsAre(6, 0));
  EXPECT_FALSE(ResolveSplit(6, Ints{7, -1}, 2).ok());
  EXPECT_FALSE(ResolveSplit(6, Ints{6}, 2).ok());
}

}  // namespace
}  // namespace beak
