#include "engine/data/augment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "tests/engine/data/sources.h"
#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

using Values = std::vector<float>;

constexpr int64_t kEpochs = 2000;

// One picture of 1, 2, 3 ...
SourcePtr Counting(const Shape& shape) {
  Values values(static_cast<size_t>(NumElements(shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1);
  return testing::SourceOfOne("image", Tensor::Of<float>(shape, values));
}

// What comes out in many epochs.
std::vector<Values> Drawn(const SourcePtr& source, const Transform& transform, int64_t epochs = kEpochs) {
  const PipelinePtr pipeline = testing::PipelineOf(source, {transform}, 11);
  std::vector<Values> drawn;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) drawn.push_back(testing::FloatsOf(*pipeline, 0, epoch));
  return drawn;
}

// A share of kEpochs draws, within five standard deviations of a binomial count.
double Tolerance(double share) { return 5 * std::sqrt(share * (1 - share) / kEpochs); }

double ShareOf(const std::vector<Values>& drawn, const Values& value) {
  return static_cast<double>(std::ranges::count(drawn, value)) / static_cast<double>(drawn.size());
}

void ExpectRefused(const Transform& transform, const std::string& message,
                   const SourcePtr& source = Counting({2, 4, 4})) {
  EXPECT_THAT(Pipeline::Create(source, {transform}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
}

// A padding of 1 around one pixel: it is in each of nine places equally often, and what is around it is 0.
TEST(RandomCropTest, EveryPlaceIsEquallyLikely) {
  RandomCropOptions options;
  options.padding = 1;
  const std::vector<Values> drawn = Drawn(Counting({1, 2, 2}), RandomCrop(options));
  const std::set<Values> kinds(drawn.begin(), drawn.end());
  EXPECT_THAT(kinds, UnorderedElementsAre(Values{1, 2, 3, 4}, Values{0, 1, 0, 3}, Values{2, 0, 4, 0},
                                          Values{0, 0, 1, 2}, Values{3, 4, 0, 0}, Values{0, 0, 0, 1},
                                          Values{0, 0, 2, 0}, Values{0, 3, 0, 0}, Values{4, 0, 0, 0}));
  for (const Values& kind : kinds) EXPECT_NEAR(ShareOf(drawn, kind), 1.0 / 9, Tolerance(1.0 / 9));
}

TEST(RandomCropTest, MayChangeTheSize) {
  RandomCropOptions options;
  options.height = 1;
  options.width = 3;
  options.padding = 0;
  const PipelinePtr pipeline = testing::PipelineOf(Counting({2, 1, 3}), {RandomCrop(options)});
  EXPECT_EQ(Describe(pipeline->schema()), "image float32 [2, 1, 3]");
  EXPECT_THAT(testing::FloatsOf(*pipeline), ElementsAre(1, 2, 3, 4, 5, 6));
  options.height = 2;
  ExpectRefused(RandomCrop(options), "random crop: expected 2 x 3 to fit into [2, 1, 3] with 0 more",
                Counting({2, 1, 3}));
}

TEST(RandomFlipTest, FlipsWithTheProbabilitiesGiven) {
  RandomFlipOptions options;
  options.horizontal = 0.25;
  options.vertical = 0.5;
  const std::vector<Values> drawn = Drawn(Counting({1, 2, 2}), RandomFlip(options));
  EXPECT_NEAR(ShareOf(drawn, {1, 2, 3, 4}), 0.375, Tolerance(0.375));
  EXPECT_NEAR(ShareOf(drawn, {2, 1, 4, 3}), 0.125, Tolerance(0.125));
  EXPECT_NEAR(ShareOf(drawn, {3, 4, 1, 2}), 0.375, Tolerance(0.375));
  EXPECT_NEAR(ShareOf(drawn, {4, 3, 2, 1}), 0.125, Tolerance(0.125));
  options.horizontal = 1.5;
  ExpectRefused(RandomFlip(options), "random flip: expected a probability in [0, 1], got 1.5");
}

// A picture and its mask are changed alike, whatever their channels.
TEST(RandomFlipTest, FieldsGoTogether) {
  RandomFlipOptions options;
  options.fields = {{"image"}, {"mask", Interpolation::kNearest}};
  const SourcePtr source = testing::SourceOf(
      {{"image", Tensor::Of<float>({1, 1, 1, 2}, {1, 2})}, {"mask", Tensor::Of<float>({1, 2, 1, 2}, {3, 4, 5, 6})}});
  const PipelinePtr pipeline = testing::PipelineOf(source, {RandomFlip(options)});
  for (int64_t epoch = 0; epoch < 20; ++epoch) {
    ASSERT_OK_AND_ASSIGN(const Sample sample, pipeline->Read(epoch, 0));
    const bool flipped = sample[0].values<float>()[0] == 2;
    EXPECT_EQ(testing::ValuesOf<float>(sample[1]), flipped ? Values({4, 3, 6, 5}) : Values({3, 4, 5, 6}));
  }
  ExpectRefused(RandomFlip(options), "random flip: field 'mask': expected the size of [1, 1, 2], got [1, 1, 3]",
                testing::SourceOf({{"image", Tensor::Of<float>({1, 1, 1, 2}, {1, 2})},
                                   {"mask", Tensor::Of<float>({1, 1, 1, 3}, {3, 4, 5})}}));
}

// A pixel right of the middle tells the angle: up, for counter-clockwise, as often as down.
TEST(RandomRotationTest, TurnsToEitherSide) {
  Values dot(49, 0);
  dot[3 * 7 + 6] = 1;
  const SourcePtr source = testing::SourceOfOne("image", Tensor::Of<float>({1, 7, 7}, dot));
  RandomRotationOptions options;
  options.degrees = 90;
  options.fields = {{"image", Interpolation::kNearest}};
  int up = 0;
  int down = 0;
  for (const Values& values : Drawn(source, RandomRotation(options))) {
    up += std::count(values.begin(), values.begin() + 21, 1.0f) > 0 ? 1 : 0;
    down += std::count(values.begin() + 28, values.end(), 1.0f) > 0 ? 1 : 0;
    for (int y = 0; y < 7; ++y) {
      for (int x = 0; x < 3; ++x) EXPECT_EQ(values[static_cast<size_t>(7 * y + x)], 0) << "turned by more than 90";
    }
  }
  // Within 10 degrees it stays in its row; and some angles have no pixel that comes from it. The rest is even.
  EXPECT_GT(up + down, kEpochs * 2 / 3);
  EXPECT_NEAR(up, down, 5 * std::sqrt(up + down));
  options.degrees = 181;
  ExpectRefused(RandomRotation(options), "random rotation: expected 0 to 180 degrees, got 181");
}

// With two values, one twice the other, brightness and contrast can be told apart: only brightness keeps their ratio.
TEST(ColorJitterTest, FactorsFillTheirRange) {
  const SourcePtr source = testing::SourceOfOne("image", Tensor::Of<float>({1, 1, 2}, {50, 100}));
  ColorJitterOptions options;
  options.brightness = 0.4;
  double sum = 0;
  float least = 1000;
  float most = 0;
  for (const Values& values : Drawn(source, ColorJitter(options))) {
    EXPECT_FLOAT_EQ(values[1], 2 * values[0]);
    sum += values[0] / 50;
    least = std::min(least, values[0] / 50);
    most = std::max(most, values[0] / 50);
  }
  EXPECT_NEAR(sum / kEpochs, 1, 5 * 0.8 / std::sqrt(12.0 * kEpochs));
  EXPECT_TRUE(least >= 0.6f && least < 0.61f && most <= 1.4f && most > 1.39f) << least << " " << most;
}

// All four change a coloured picture; what is switched off changes nothing at all.
TEST(ColorJitterTest, EachKindIsSwitchedByItself) {
  const SourcePtr source = testing::SourceOfOne("image", Tensor::Of<float>({3, 1, 2}, {10, 200, 60, 70, 90, 30}));
  EXPECT_EQ(Drawn(source, ColorJitter({}), 1)[0], Values({10, 200, 60, 70, 90, 30}));
  const ColorJitterOptions kinds[] = {{0.5, 0, 0, 0}, {0, 0.5, 0, 0}, {0, 0, 0.5, 0}, {0, 0, 0, 0.5}};
  std::set<Values> results;
  for (const ColorJitterOptions& kind : kinds) results.insert(Drawn(source, ColorJitter(kind), 1)[0]);
  EXPECT_EQ(results.size(), 4u);
}

// Black and white, factors in [0, 2]. Brightness first keeps the sum at 255 when its factor is above 1 (white is cut
// off, and contrast moves both away from their mean alike): half the time. Contrast first does only when both factors
// are above 1: a quarter of the time. In a random order that is 3/8.
TEST(ColorJitterTest, TheOrderIsRandom) {
  const SourcePtr source = testing::SourceOfOne("image", Tensor::Of<float>({1, 1, 2}, {0, 255}));
  ColorJitterOptions options;
  options.brightness = 1;
  options.contrast = 1;
  int kept = 0;
  for (const Values& values : Drawn(source, ColorJitter(options))) {
    kept += std::abs(values[0] + values[1] - 255) < 0.01f ? 1 : 0;
  }
  EXPECT_NEAR(kept, kEpochs * 0.375, kEpochs * Tolerance(0.375));
}

TEST(ColorJitterTest, SaysWhatItCannotDo) {
  ColorJitterOptions options;
  options.hue = 0.6;
  ExpectRefused(ColorJitter(options), "color jitter: expected spreads of 0 to 1000");
  options.hue = 0.1;
  ExpectRefused(ColorJitter(options), "color jitter: expected 1 or 3 channels, got 2");
  for (const double brightness : {-1.0, 1001.0, static_cast<double>(NAN)}) {
    options.brightness = brightness;
    ExpectRefused(ColorJitter(options), "color jitter: expected spreads of 0 to 1000");
  }
}

TEST(RandomErasingTest, ErasesARectangle) {
  RandomErasingOptions options;
  options.probability = 0.75;
  options.min_area = options.max_area = 0.25;
  options.min_ratio = options.max_ratio = 1;
  options.fill = {-1, -2};
  int erased = 0;
  for (const Values& values : Drawn(Counting({2, 4, 4}), RandomErasing(options))) {
    const auto first = std::ranges::count(values, -1.0f);
    EXPECT_EQ(std::ranges::count(values, -2.0f), first);
    EXPECT_TRUE(first == 0 || first == 4) << first;
    erased += first == 4 ? 1 : 0;
  }
  EXPECT_NEAR(erased, 0.75 * kEpochs, kEpochs * Tolerance(0.75));
}

// Ratios are of height to width.
TEST(RandomErasingTest, TallIsARatioAboveOne) {
  RandomErasingOptions options;
  options.probability = 1;
  options.min_area = options.max_area = 0.25;
  options.min_ratio = options.max_ratio = 4;
  for (const Values& values : Drawn(Counting({1, 4, 4}), RandomErasing(options), 20)) {
    std::set<size_t> columns;
    for (size_t i = 0; i < values.size(); ++i) {
      if (values[i] == 0) columns.insert(i % 4);
    }
    EXPECT_EQ(std::ranges::count(values, 0.0f), 4);
    EXPECT_EQ(columns.size(), 1u);
  }
  options.fill = {1, 2};
  ExpectRefused(RandomErasing(options), "a value to fill with for each of 1 channels, got 2", Counting({1, 4, 4}));
  options.min_ratio = 0;
  ExpectRefused(RandomErasing(options),
                "random erasing: expected ratios within [1e-06, 1e+06], the smaller one first, got 0, 4");
}

// A square of 2 on 3 x 3: its middle is any pixel, so that it has 4, 2 or 1 pixels within.
TEST(CutoutTest, TheMiddleIsAnyPixel) {
  CutoutOptions options;
  options.size = 2;
  int whole = 0;
  int corner = 0;
  for (const Values& values : Drawn(Counting({1, 3, 3}), Cutout(options))) {
    const auto zeros = std::ranges::count(values, 0.0f);
    EXPECT_TRUE(zeros == 1 || zeros == 2 || zeros == 4) << zeros;
    whole += zeros == 4 ? 1 : 0;
    corner += zeros == 1 ? 1 : 0;
  }
  EXPECT_NEAR(whole, kEpochs * 4.0 / 9, kEpochs * Tolerance(4.0 / 9));
  EXPECT_NEAR(corner, kEpochs / 9.0, kEpochs * Tolerance(1.0 / 9));
  options.size = 0;
  ExpectRefused(Cutout(options), "cutout: expected a size of 1 or more, got 0");
}

TEST(AugmentTest, WantsPlanes) {
  const SourcePtr pixels = testing::SourceOfOne("image", Tensor::Of<uint8_t>({1, 1, 1}, {1}));
  for (const Transform& transform :
       {RandomCrop(), RandomFlip(), RandomRotation(), ColorJitter({}), RandomErasing(), Cutout()}) {
    ExpectRefused(transform, "field 'image': expected float32 planes", pixels);
  }
}

}  // namespace
}  // namespace beak::data
