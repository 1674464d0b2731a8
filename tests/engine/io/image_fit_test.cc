#include "engine/io/image_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Two pixels: (10, 20, 30) and (40, 50, 60).
const Raster kTwoPixels = {2, 1, 3, {10, 20, 30, 40, 50, 60}};

ImageFit FitTo(int height, int width) {
  ImageFit fit;
  fit.height = height;
  fit.width = width;
  return fit;
}

std::vector<float> Fitted(const Raster& raster, const ImageFit& fit) {
  const absl::StatusOr<Tensor> tensor = FitImage(raster, fit);
  EXPECT_OK(tensor);
  if (!tensor.ok()) return {};
  const std::span<const float> values = tensor->values<float>();
  return std::vector<float>(values.begin(), values.end());
}

TEST(FitImageTest, PlanesComeFirstInNchw) {
  ImageFit fit = FitTo(1, 2);
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, FitImage(kTwoPixels, fit));
  EXPECT_THAT(tensor.shape(), ElementsAre(3, 1, 2));
  EXPECT_THAT(tensor.values<float>(), ElementsAre(10, 40, 20, 50, 30, 60));
}

TEST(FitImageTest, ChannelsComeLastInNhwc) {
  ImageFit fit = FitTo(1, 2);
  fit.layout = ImageLayout::kNhwc;
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, FitImage(kTwoPixels, fit));
  EXPECT_THAT(tensor.shape(), ElementsAre(1, 2, 3));
  EXPECT_THAT(tensor.values<float>(), ElementsAre(10, 20, 30, 40, 50, 60));
}

TEST(FitImageTest, BgrTurnsTheChannelsRound) {
  ImageFit fit = FitTo(1, 2);
  fit.channels = ChannelOrder::kBgr;
  EXPECT_THAT(Fitted(kTwoPixels, fit), ElementsAre(30, 60, 20, 50, 10, 40));
}

TEST(FitImageTest, GrayIsLuma) {
  ImageFit fit = FitTo(1, 2);
  fit.channels = ChannelOrder::kGray;
  EXPECT_THAT(Fitted({2, 1, 3, {255, 0, 0, 0, 255, 0}}, fit), ElementsAre(76, 150));
  EXPECT_THAT(Fitted({2, 1, 1, {7, 9}}, fit), ElementsAre(7, 9));
}

TEST(FitImageTest, GrayPicturesFillAllChannels) {
  EXPECT_THAT(Fitted({2, 1, 1, {7, 9}}, FitTo(1, 2)), ElementsAre(7, 9, 7, 9, 7, 9));
}

TEST(FitImageTest, MeanAndFactorArePerChannelOfTheOutput) {
  ImageFit fit = FitTo(1, 2);
  fit.channels = ChannelOrder::kBgr;
  fit.mean = {30, 20, 10};
  fit.factor = {1, 2, 0.5f};
  EXPECT_THAT(Fitted(kTwoPixels, fit), ElementsAre(0, 30, 0, 60, 0, 15));
  fit.mean = {10};
  fit.factor = {0.1f};
  EXPECT_THAT(Fitted(kTwoPixels, fit), ElementsAre(2, 5, 1, 4, 0, 3));
}

TEST(FitImageTest, InversionComesBeforeTheMean) {
  ImageFit fit = FitTo(1, 2);
  fit.channels = ChannelOrder::kGray;
  fit.invert = true;
  fit.mean = {5};
  EXPECT_THAT(Fitted({2, 1, 1, {0, 255}}, fit), ElementsAre(250, -5));
}

TEST(FitImageTest, FitKeepsTheAspectAndPadsWithZero) {
  // 4 x 2 into 4 x 4: one row above, one below.
  const Raster raster = {4, 2, 1, std::vector<uint8_t>(8, 100)};
  ImageFit fit = FitTo(4, 4);
  fit.channels = ChannelOrder::kGray;
  EXPECT_THAT(Fitted(raster, fit), ElementsAre(0, 0, 0, 0, 100, 100, 100, 100, 100, 100, 100, 100, 0, 0, 0, 0));
  fit.invert = true;
  EXPECT_THAT(Fitted(raster, fit), ElementsAre(0, 0, 0, 0, 155, 155, 155, 155, 155, 155, 155, 155, 0, 0, 0, 0));
}

TEST(FitImageTest, PaddingIsNormalisedToo) {
  const Raster raster = {1, 2, 1, {100, 100}};
  ImageFit fit = FitTo(2, 3);
  fit.channels = ChannelOrder::kGray;
  fit.mean = {10};
  EXPECT_THAT(Fitted(raster, fit), ElementsAre(-10, 90, -10, -10, 90, -10));
}

TEST(FitImageTest, CropKeepsTheMiddle) {
  const Raster raster = {4, 2, 1, {1, 2, 3, 4, 5, 6, 7, 8}};
  ImageFit fit = FitTo(2, 2);
  fit.channels = ChannelOrder::kGray;
  fit.resize = ResizeMode::kCrop;
  EXPECT_THAT(Fitted(raster, fit), ElementsAre(2, 3, 6, 7));
}

TEST(FitImageTest, CropMayKeepLess) {
  const Raster raster = {4, 4, 1, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
  ImageFit fit = FitTo(2, 2);
  fit.channels = ChannelOrder::kGray;
  fit.resize = ResizeMode::kCrop;
  fit.kept = 0.5;
  EXPECT_THAT(Fitted(raster, fit), ElementsAre(6, 7, 10, 11));
}

TEST(FitImageTest, StretchUsesAllOfIt) {
  const Raster raster = {4, 2, 1, {0, 0, 80, 80, 0, 0, 80, 80}};
  ImageFit fit = FitTo(1, 4);
  fit.channels = ChannelOrder::kGray;
  fit.resize = ResizeMode::kStretch;
  EXPECT_THAT(Fitted(raster, fit), ElementsAre(0, 0, 80, 80));
}

TEST(FitImageTest, ExtremeShapesKeepAtLeastOnePixel) {
  const Raster raster = {1000, 1, 1, std::vector<uint8_t>(1000, 50)};
  ImageFit fit = FitTo(3, 3);
  fit.channels = ChannelOrder::kGray;
  const std::vector<float> values = Fitted(raster, fit);
  ASSERT_EQ(values.size(), 9u);
  EXPECT_NEAR(values[4], 50, 1e-3);
  EXPECT_EQ(values[0], 0);
}

TEST(FitImageTest, IntegersAreRoundedAndSaturate) {
  ImageFit fit = FitTo(1, 3);
  fit.channels = ChannelOrder::kGray;
  fit.dtype = DType::kUint8;
  fit.factor = {1.26f};
  fit.mean = {10};
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, FitImage({3, 1, 1, {0, 11, 255}}, fit));
  EXPECT_EQ(tensor.dtype(), DType::kUint8);
  EXPECT_THAT(tensor.values<uint8_t>(), ElementsAre(0, 1, 255));
}

TEST(FitImageTest, HalvesAreWrittenAsSuch) {
  ImageFit fit = FitTo(1, 2);
  fit.dtype = DType::kFloat16;
  ASSERT_OK_AND_ASSIGN(const Tensor tensor, FitImage({2, 1, 1, {1, 2}}, fit));
  EXPECT_EQ(tensor.dtype(), DType::kFloat16);
  EXPECT_THAT(tensor.values<uint16_t>(), ElementsAre(0x3c00, 0x4000, 0x3c00, 0x4000, 0x3c00, 0x4000));
}

TEST(FitImageTest, RefusesWhatMakesNoSense) {
  const auto refused = [](const ImageFit& fit, const char* why, const Raster& raster = kTwoPixels) {
    EXPECT_THAT(FitImage(raster, fit), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why)));
  };
  ImageFit fit = FitTo(1, 2);
  fit.mean = {1, 2};
  refused(fit, "image mean: expected one value or 3");
  fit = FitTo(1, 2);
  fit.factor = {NAN};
  refused(fit, "image scale: expected finite");
  fit = FitTo(1, 2);
  fit.dtype = DType::kBool;
  refused(fit, "got bool");
  fit = FitTo(1, 2);
  fit.kept = 0;
  refused(fit, "a part in (0, 1], got 0");
  refused(FitTo(1, 2), "1 or 3 channels", {1, 1, 2, {0, 0}});
  EXPECT_THAT(FitImage(kTwoPixels, FitTo(0, 2)), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(FitImage(kTwoPixels, FitTo(100'000, 100'000)), StatusIs(absl::StatusCode::kResourceExhausted));
}

}  // namespace
}  // namespace beak
