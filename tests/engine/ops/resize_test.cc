#include "engine/ops/resize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace beak {
namespace {

using ::testing::ElementsAre;

TEST(ResizeTest, ScalesAreUsedAsGiven) {
  const Tensor scales = Tensor::Of<float>({4}, {1, 1, 2, 0.6f});
  const auto resize = ResolveResize(Node(), {1, 2, 3, 5}, nullptr, &scales, nullptr);
  ASSERT_TRUE(resize.ok()) << resize.status();
  EXPECT_THAT(resize->output, ElementsAre(1, 2, 6, 3));
  EXPECT_THAT(resize->scales, ElementsAre(1, 1, 2, 0.6f));
  EXPECT_THAT(resize->roi_begin, ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(resize->roi_end, ElementsAre(1, 1, 1, 1));
}

TEST(ResizeTest, ProductsAreRoundedToFloatBeforeTheFloor) {
  const Tensor scales = Tensor::Of<float>({1}, {0.7f});
  const auto resize = ResolveResize(Node(), {10}, nullptr, &scales, nullptr);
  ASSERT_TRUE(resize.ok()) << resize.status();
  EXPECT_THAT(resize->output, ElementsAre(7));
}

TEST(ResizeTest, SizesGiveScales) {
  Node node;
  node.attributes["axes"] = std::vector<int64_t>{2, 1};
  const Tensor sizes = Tensor::Of<int64_t>({2}, {6, 3});
  const auto resize = ResolveResize(node, {5, 2, 4}, nullptr, nullptr, &sizes);
  ASSERT_TRUE(resize.ok()) << resize.status();
  EXPECT_THAT(resize->output, ElementsAre(5, 3, 6));
  EXPECT_THAT(resize->scales, ElementsAre(1, 1.5f, 1.5f));
}

TEST(ResizeTest, AspectRatioIsKeptWithOneScale) {
  Node node;
  node.attributes["axes"] = std::vector<int64_t>{1, 2};
  node.attributes["keep_aspect_ratio_policy"] = std::string("not_larger");
  const Tensor sizes = Tensor::Of<int64_t>({2}, {7, 8});
  const auto resize = ResolveResize(node, {1, 2, 4}, nullptr, nullptr, &sizes);
  ASSERT_TRUE(resize.ok()) << resize.status();
  EXPECT_THAT(resize->output, ElementsAre(1, 4, 8));
  EXPECT_THAT(resize->scales, ElementsAre(1, 2, 2));
}

TEST(ResizeTest, CropsToTheRegion) {
  Node node;
  node.attributes["coordinate_transformation_mode"] = std::string("tf_crop_and_resize");
  const Tensor roi = Tensor::Of<float>({4}, {0, 0.25f, 1, 0.75f});
  const Tensor scales = Tensor::Of<float>({2}, {1, 2});
  const auto resize = ResolveResize(node, {3, 8}, &roi, &scales, nullptr);
  ASSERT_TRUE(resize.ok()) << resize.status();
  EXPECT_THAT(resize->output, ElementsAre(3, 8));
  EXPECT_THAT(resize->roi_begin, ElementsAre(0, 0.25f));
  EXPECT_THAT(resize->roi_end, ElementsAre(1, 0.75f));
}

TEST(ResizeTest, RegionIsIgnoredUnlessItCrops) {
  const Tensor roi = Tensor::Of<float>({4}, {0, 0.25f, 1, 0.75f});
  const Tensor scales = Tensor::Of<float>({2}, {1, 2});
  const auto resize = ResolveResize(Node(), {3, 8}, &roi, &scales, nullptr);
  ASSERT_TRUE(resize.ok()) << resize.status();
  EXPECT_THAT(resize->output, ElementsAre(3, 16));
  EXPECT_THAT(resize->roi_begin, ElementsAre(0, 0));
}

}  // namespace
}  // namespace beak
