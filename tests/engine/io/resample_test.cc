#include "engine/io/resample.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace beak {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

std::vector<float> ResampleAll(const Raster& raster, int width, int height) {
  const Box all = {0, 0, static_cast<double>(raster.width), static_cast<double>(raster.height)};
  return Resample(raster, all, width, height);
}

Raster Noise(int width, int height, int channels) {
  std::mt19937 random(7);
  Raster raster = {width, height, channels, {}};
  for (int i = 0; i < width * height * channels; ++i) raster.pixels.push_back(static_cast<uint8_t>(random()));
  return raster;
}

Raster Transposed(const Raster& raster) {
  Raster result = {raster.height, raster.width, 1, {}};
  for (int x = 0; x < raster.width; ++x) {
    for (int y = 0; y < raster.height; ++y) {
      result.pixels.push_back(raster.pixels[static_cast<size_t>(y * raster.width + x)]);
    }
  }
  return result;
}

TEST(ResampleTest, TheSameSizeIsTheSamePicture) {
  const Raster raster = Noise(7, 5, 3);
  EXPECT_THAT(ResampleAll(raster, 7, 5), Pointwise(FloatNear(1e-4f), raster.pixels));
}

TEST(ResampleTest, EnlargesLinearly) {
  EXPECT_THAT(ResampleAll({2, 1, 1, {0, 100}}, 4, 1), ElementsAre(0, 25, 75, 100));
  EXPECT_THAT(ResampleAll({1, 2, 1, {0, 100}}, 1, 4), ElementsAre(0, 25, 75, 100));
}

TEST(ResampleTest, ShrinksWithAWiderTriangle) {
  // The first output lies at 1 of 4 and reaches 2 to both sides: weights .75, .75, .25 of 1.75.
  const std::vector<float> out = ResampleAll({4, 1, 1, {0, 10, 20, 30}}, 2, 1);
  EXPECT_THAT(out, Pointwise(FloatNear(1e-4f), {12.5f / 1.75f, 30 - 12.5f / 1.75f}));
}

TEST(ResampleTest, NothingAliases) {
  // Stripes of one pixel; plain bilinear sampling at a factor of 8 would give black or white.
  Raster stripes = {64, 1, 1, {}};
  for (int x = 0; x < 64; ++x) stripes.pixels.push_back(x % 2 == 0 ? 0 : 255);
  EXPECT_THAT(ResampleAll(stripes, 8, 1), Each(FloatNear(127.5f, 5.0f)));
}

TEST(ResampleTest, AnEvenPictureStaysEvenAtAnySize) {
  const Raster raster = {13, 7, 1, std::vector<uint8_t>(13 * 7, 200)};
  for (const int width : {1, 2, 5, 13, 40}) {
    for (const int height : {1, 3, 7, 30}) {
      EXPECT_THAT(ResampleAll(raster, width, height), Each(FloatNear(200, 1e-3f))) << width << " x " << height;
    }
  }
}

TEST(ResampleTest, BothOrdersOfTheAxesAgree) {
  const Raster raster = Noise(23, 11, 1);
  for (const auto& [width, height] : {std::pair(5, 30), std::pair(40, 3), std::pair(6, 4)}) {
    const std::vector<float> straight = ResampleAll(raster, width, height);
    const std::vector<float> turned = ResampleAll(Transposed(raster), height, width);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        EXPECT_NEAR(straight[static_cast<size_t>(y * width + x)], turned[static_cast<size_t>(x * height + y)], 1e-3);
      }
    }
  }
}

TEST(ResampleTest, TakesThePartThatIsAskedFor) {
  const Raster raster = {4, 1, 1, {10, 20, 30, 40}};
  EXPECT_THAT(Resample(raster, {1, 0, 2, 1}, 2, 1), ElementsAre(20, 30));
  EXPECT_THAT(Resample(raster, {0.5, 0, 2, 1}, 2, 1), ElementsAre(15, 25));
}

TEST(ResampleTest, ChannelsAreKeptApart) {
  EXPECT_THAT(ResampleAll({2, 1, 3, {0, 10, 20, 100, 110, 120}}, 1, 1), ElementsAre(50, 60, 70));
}

}  // namespace
}  // namespace beak
