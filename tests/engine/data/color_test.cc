#include "engine/data/color.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/data/sources.h"

namespace beak::data {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

using Values = std::vector<float>;

// (200, 30, 90), (10, 250, 128), blue, a gray, white, (17, 33, 5). Their mean gray is 103.507.
const Values kPixels = {200, 10, 0, 60, 255, 17, 30, 250, 0, 60, 255, 33, 90, 128, 255, 60, 255, 5};

Values Adjusted(void (*adjust)(Tensor&, float), float factor) {
  Tensor planes = Tensor::Of<float>({3, 2, 3}, kPixels);
  adjust(planes, factor);
  return testing::ValuesOf<float>(planes);
}

// Rounded to four digits after the point; and float arithmetic on values of 255.
auto Are(const Values& expected) { return Pointwise(FloatNear(2e-4f), expected); }

TEST(ColorTest, BrightnessMultiplies) {
  EXPECT_THAT(Adjusted(AdjustBrightness, 1.5f),
              Are({255, 15, 0, 90, 255, 25.5f, 45, 255, 0, 90, 255, 49.5f, 135, 192, 255, 90, 255, 7.5f}));
  EXPECT_EQ(Adjusted(AdjustBrightness, 0), Values(18, 0));
}

// Expected values computed in double by the formulas of the header.
TEST(ColorTest, ContrastMovesAwayFromTheMeanGray) {
  EXPECT_THAT(Adjusted(AdjustContrast, 0.5f),
              Are({151.7535f, 56.7535f, 51.7535f, 81.7535f, 179.2535f, 60.2535f, 66.7535f, 176.7535f, 51.7535f,
                   81.7535f, 179.2535f, 68.2535f, 96.7535f, 115.7535f, 179.2535f, 81.7535f, 179.2535f, 54.2535f}));
  EXPECT_THAT(Adjusted(AdjustContrast, 1.8f), Are({255, 0, 0, 25.1944f, 255, 0, 0, 255, 0, 25.1944f, 255, 0, 79.1944f,
                                                   147.5944f, 255, 25.1944f, 255, 0}));
}

TEST(ColorTest, SaturationMovesAwayFromEachGray) {
  EXPECT_THAT(Adjusted(AdjustSaturation, 0.3f),
              Are({121.3550f, 118.0317f, 20.3490f, 59.9958f, 254.9821f, 22.6156f, 70.3550f, 190.0317f, 20.3490f,
                   59.9958f, 254.9821f, 27.4156f, 88.3550f, 153.4317f, 96.8490f, 59.9958f, 254.9821f, 19.0156f}));
  EXPECT_THAT(Adjusted(AdjustSaturation, 1.7f), Are({255, 0, 0, 60.0042f, 255, 11.3844f, 0, 255, 0, 60.0042f, 255,
                                                     38.5844f, 91.6450f, 102.5683f, 255, 60.0042f, 255, 0}));
}

// Expected values computed with Python's colorsys.
TEST(ColorTest, HueTurns) {
  EXPECT_THAT(Adjusted(AdjustHue, 0.1f),
              Are({200, 10, 153, 60, 255, 5, 72, 228, 0, 60, 255, 33, 30, 250, 255, 60, 255, 9.8f}));
  EXPECT_THAT(Adjusted(AdjustHue, -0.4f),
              Are({30, 250, 102, 60, 255, 33, 158, 32, 255, 60, 255, 5, 200, 10, 0, 60, 255, 28.2f}));
  EXPECT_THAT(Adjusted(AdjustHue, 0), Are(kPixels));
}

TEST(ColorTest, GrayHasNeitherSaturationNorHue) {
  Tensor gray = Tensor::Of<float>({1, 1, 2}, {10, 30});
  AdjustSaturation(gray, 0.5f);
  AdjustHue(gray, 0.5f);
  EXPECT_EQ(testing::ValuesOf<float>(gray), Values({10, 30}));
  AdjustContrast(gray, 0.5f);
  EXPECT_EQ(testing::ValuesOf<float>(gray), Values({15, 25}));
}

}  // namespace
}  // namespace beak::data
