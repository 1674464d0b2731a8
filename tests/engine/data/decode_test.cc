#include "engine/data/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/engine/data/sources.h"
#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::StatusIs;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::HasSubstr;

// A picture whose pixel (y, x) is (10 y + x, 100, 200).
SourcePtr Picture(int64_t height, int64_t width) {
  std::vector<uint8_t> pixels;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) pixels.insert(pixels.end(), {static_cast<uint8_t>(10 * y + x), 100, 200});
  }
  return testing::SourceOfOne("image", Tensor::Of<uint8_t>({height, width, 3}, pixels));
}

void ExpectRefused(const Transform& transform, const Tensor& value, const std::string& message) {
  EXPECT_THAT(Pipeline::Create(testing::SourceOfOne("image", value), {transform}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
}

TEST(ToPlanesTest, ValuesStayAsTheyAre) {
  const PipelinePtr color = testing::PipelineOf(Picture(2, 2), {ToPlanes()});
  EXPECT_EQ(Describe(color->schema()), "image float32 [3, 2, 2]");
  EXPECT_THAT(testing::FloatsOf(*color), ElementsAre(0, 1, 10, 11, 100, 100, 100, 100, 200, 200, 200, 200));
  const PipelinePtr gray =
      testing::PipelineOf(testing::SourceOfOne("image", Tensor::Of<uint8_t>({1, 2}, {7, 255})), {ToPlanes()});
  EXPECT_EQ(Describe(gray->schema()), "image float32 [1, 1, 2]");
  EXPECT_THAT(testing::FloatsOf(*gray), ElementsAre(7, 255));
}

TEST(ToPlanesTest, TakesPlanesToo) {
  const SourcePtr source = testing::SourceOfOne("image", Tensor::Of<uint8_t>({2, 1, 2}, {1, 2, 3, 4}));
  const PipelinePtr pipeline = testing::PipelineOf(source, {ToPlanes("image", ImageLayout::kNchw)});
  EXPECT_EQ(Describe(pipeline->schema()), "image float32 [2, 1, 2]");
  EXPECT_THAT(testing::FloatsOf(*pipeline), ElementsAre(1, 2, 3, 4));
}

TEST(ConvertToTest, KeepsTheNumbers) {
  const SourcePtr source = testing::SourceOfOne("signal", Tensor::Of<double>({2}, {0.5, -3}));
  const PipelinePtr pipeline = testing::PipelineOf(source, {ConvertTo(DType::kFloat32, "signal")});
  EXPECT_EQ(Describe(pipeline->schema()), "signal float32 [2]");
  EXPECT_THAT(testing::FloatsOf(*pipeline), ElementsAre(0.5f, -3));
  ExpectRefused(ConvertTo(DType::kFloat32, "x"), Tensor::Of<double>({1}, {1}), "a field 'x'");
}

TEST(ToPlanesTest, SaysWhatItCannotDo) {
  ExpectRefused(ToPlanes(), Tensor::Of<float>({1, 1, 1}, {1}), "'image': expected a picture, uint8");
  ExpectRefused(ToPlanes(), Tensor::Of<uint8_t>({1}, {1}), "got uint8 [1]");
  ExpectRefused(ToPlanes("mask"), Tensor::Of<uint8_t>({1, 1}, {1}), "a field 'mask'");
  const Schema several = {{{"image", DType::kUint8, {Dim(), Dim(), 3}}}};
  EXPECT_THAT(ToPlanes()(several).status(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pictures of one size, or a resize before this")));
}

TEST(ResizeTest, TakesTheMiddle) {
  const PipelinePtr same = testing::PipelineOf(Picture(4, 4), {Resize({4, 4})});
  EXPECT_EQ(testing::FloatsOf(*same), testing::FloatsOf(*testing::PipelineOf(Picture(4, 4), {ToPlanes()})));
  // The shorter side fits; of the longer one the middle: columns 1 and 2, and 1 to 4 averaged where it shrinks.
  const PipelinePtr middle = testing::PipelineOf(Picture(2, 4), {Resize({2, 2})});
  EXPECT_THAT(testing::FloatsOf(*middle), ElementsAre(1, 2, 11, 12, 100, 100, 100, 100, 200, 200, 200, 200));
  // Half of each side is kept: rows and columns 1 and 2.
  const PipelinePtr kept = testing::PipelineOf(Picture(4, 4), {Resize({2, 2, ResizeMode::kCrop, 0.5})});
  EXPECT_THAT(testing::FloatsOf(*kept), ElementsAre(11, 12, 21, 22, 100, 100, 100, 100, 200, 200, 200, 200));
}

TEST(ResizeTest, GivesPicturesOfAnySizeOne) {
  const Schema several = {{{"image", DType::kUint8, {Dim(), Dim(), 1}}}};
  ASSERT_OK_AND_ASSIGN(const Stage stage, Resize({3, 5})(several));
  EXPECT_EQ(Describe(stage.schema), "image float32 [1, 3, 5]");
  Rng rng(0);
  for (const Shape& shape : {Shape{2, 7, 1}, Shape{9, 1, 1}}) {
    Sample sample = {Tensor::Of<uint8_t>(shape, std::vector<uint8_t>(static_cast<size_t>(NumElements(shape)), 50))};
    ASSERT_OK(stage.apply(sample, rng));
    EXPECT_THAT(sample[0].shape(), ElementsAre(1, 3, 5));
    EXPECT_THAT(testing::ValuesOf<float>(sample[0]), Each(FloatNear(50, 1e-4f)));
  }
}

TEST(ResizeTest, SaysWhatItCannotDo) {
  const Tensor two = Tensor::Of<uint8_t>({1, 1, 2}, {1, 2});
  ExpectRefused(Resize({2, 2}), two, "pictures of 1 or 3 channels, got uint8 [1, 1, 2]");
  const Tensor one = Tensor::Of<uint8_t>({1, 1}, {1});
  ExpectRefused(Resize({2, 2, ResizeMode::kCrop, 0}), one, "a part in (0, 1], got 0");
  EXPECT_THAT(Pipeline::Create(testing::SourceOfOne("image", one), {Resize({0, 2})}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("resize: image: ")));
  // A picture without pixels is found when it is read.
  const SourcePtr nothing = testing::SourceOfOne("image", Tensor::Of<uint8_t>({0, 4, 3}, {}));
  EXPECT_FALSE(testing::PipelineOf(nothing, {Resize({2, 2})})->Read(0, 0).ok());
  EXPECT_FALSE(testing::PipelineOf(nothing, {RandomResizedCrop({2, 2})})->Read(0, 0).ok());
}

TEST(RandomResizedCropTest, TheWholeIsAResize) {
  RandomResizedCropOptions whole = {4, 4};
  whole.min_area = 1;
  whole.min_ratio = whole.max_ratio = 1;
  const PipelinePtr pipeline = testing::PipelineOf(Picture(4, 4), {RandomResizedCrop(whole)});
  EXPECT_EQ(Describe(pipeline->schema()), "image float32 [3, 4, 4]");
  EXPECT_EQ(testing::FloatsOf(*pipeline), testing::FloatsOf(*testing::PipelineOf(Picture(4, 4), {ToPlanes()})));
}

// Parts of 2 x 2 of 4 x 4 pixels, in their own size: each of the nine is drawn, and nothing else.
TEST(RandomResizedCropTest, EveryPlaceIsDrawn) {
  RandomResizedCropOptions quarter = {2, 2};
  quarter.min_area = quarter.max_area = 0.25;
  quarter.min_ratio = quarter.max_ratio = 1;
  const PipelinePtr pipeline = testing::PipelineOf(Picture(4, 4), {RandomResizedCrop(quarter)}, 3);
  std::set<float> corners;
  for (int64_t epoch = 0; epoch < 200; ++epoch) {
    const std::vector<float> red = testing::FloatsOf(*pipeline, 0, epoch);
    corners.insert(red[0]);
    EXPECT_THAT(std::vector(red.begin(), red.begin() + 4), ElementsAre(red[0], red[0] + 1, red[0] + 10, red[0] + 11));
  }
  EXPECT_THAT(corners, ElementsAre(0, 1, 2, 10, 11, 12, 20, 21, 22));
}

// 1 x 12: no part of nine tenths of the area has a ratio near 1, so the middle of the largest ratio is taken: 1 x 1.
TEST(RandomResizedCropTest, FallsBackToTheMiddle) {
  RandomResizedCropOptions options = {1, 1};
  options.min_area = 0.9;
  options.min_ratio = 0.9;
  options.max_ratio = 1.1;
  const PipelinePtr pipeline = testing::PipelineOf(Picture(1, 12), {RandomResizedCrop(options)});
  EXPECT_THAT(testing::FloatsOf(*pipeline), ElementsAre(5, 100, 200));
}

TEST(RandomResizedCropTest, SaysWhatItCannotDo) {
  RandomResizedCropOptions options = {2, 2};
  options.min_area = 2;
  ExpectRefused(RandomResizedCrop(options), Tensor::Of<uint8_t>({1, 1}, {1}), "random resized crop: expected areas");
}

}  // namespace
}  // namespace beak::data
