#include "engine/data/normalisation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/base/file.h"
#include "engine/data/array_files.h"
#include "engine/data/decode.h"
#include "tests/engine/data/sources.h"
#include "tests/support/real_data.h"
#include "tests/support/status_matchers.h"

namespace beak::data {
namespace {

using ::beak::testing::RealData;
using ::beak::testing::StatusIs;
using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::HasSubstr;

// Two samples of two channels of two values: channel 0 has 1, 2, 3, 6, channel 1 has 5 only.
PipelinePtr Samples() {
  return testing::PipelineOf(testing::SourceOf({{"x", Tensor::Of<float>({2, 2, 2}, {1, 2, 5, 5, 3, 6, 5, 5})}}));
}

TEST(ComputeStatisticsTest, AreThoseOfAllValuesOfAChannel) {
  ASSERT_OK_AND_ASSIGN(const ChannelStatistics statistics, ComputeStatistics(*Samples(), "x"));
  EXPECT_THAT(statistics.mean, ElementsAre(DoubleEq(3), DoubleEq(5)));
  // (4 + 1 + 0 + 9) / 4
  EXPECT_THAT(statistics.deviation, ElementsAre(DoubleEq(std::sqrt(3.5)), DoubleEq(0)));
  EXPECT_THAT(statistics.minimum, ElementsAre(1, 5));
  EXPECT_THAT(statistics.maximum, ElementsAre(6, 5));
}

TEST(ComputeStatisticsTest, FeaturesAreChannelsToo) {
  ASSERT_OK_AND_ASSIGN(const ChannelStatistics statistics,
                       ComputeStatistics(*testing::PipelineOf(testing::Numbers(3)), "x"));
  EXPECT_THAT(statistics.mean, ElementsAre(DoubleEq(1), DoubleEq(-1)));
}

// Sums of squares in double would be wrong from the second digit here.
TEST(ComputeStatisticsTest, ALargeMeanDoesNotCancel) {
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) values.push_back(1e9f + static_cast<float>(64 * (i % 2)));
  ASSERT_OK_AND_ASSIGN(
      const ChannelStatistics statistics,
      ComputeStatistics(*testing::PipelineOf(testing::SourceOf({{"x", Tensor::Of<float>({1000, 1}, values)}})), "x"));
  EXPECT_NEAR(statistics.deviation[0], 32, 1e-6);
}

TEST(ComputeStatisticsTest, SaysWhatItCannotDo) {
  const auto of = [](const Tensor& value) {
    return ComputeStatistics(*testing::PipelineOf(testing::SourceOfOne("x", value)), "x");
  };
  EXPECT_THAT(of(Tensor::Of<float>({1}, {std::numeric_limits<float>::quiet_NaN()})),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'x': sample 0: expected finite values")));
  EXPECT_THAT(
      of(Tensor::Of<uint8_t>({1}, {1})),
      StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("expected float32 with a fixed number of channels")));
}

TEST(NormalisationTest, StandardisesOrSubtractsTheMean) {
  ASSERT_OK_AND_ASSIGN(const ChannelStatistics statistics, ComputeStatistics(*Samples(), "x"));
  const Normalisation standard = Standardise(statistics);
  EXPECT_THAT(standard.offset, ElementsAre(3, 5));
  EXPECT_THAT(standard.scale, ElementsAre(FloatEq(1 / std::sqrt(3.5f)), 1));
  const Normalisation mean = SubtractMean(statistics);
  EXPECT_THAT(mean.offset, ElementsAre(3, 5));
  EXPECT_THAT(mean.scale, ElementsAre(1, 1));
}

TEST(NormalisationTest, ScalesRanges) {
  ASSERT_OK_AND_ASSIGN(const Normalisation unit, ScaleRange(0, 255, 0, 1));
  EXPECT_THAT(unit.offset, ElementsAre(0));
  EXPECT_THAT(unit.scale, ElementsAre(FloatEq(1.0f / 255)));
  ASSERT_OK_AND_ASSIGN(const Normalisation symmetric, ScaleRange(0, 255, -1, 1));
  EXPECT_THAT(symmetric.offset, ElementsAre(127.5f));
  EXPECT_THAT(symmetric.scale, ElementsAre(FloatEq(1 / 127.5f)));
  for (const auto& range : {ScaleRange(1, 1, 0, 1), ScaleRange(0, 1, 1, 0), ScaleRange(0, INFINITY, 0, 1),
                            ScaleRange(NAN, 1, 0, 1), ScaleRange(2, 1, 0, 1)}) {
    EXPECT_THAT(range, StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("smaller end first")));
  }
}

// The numbers in every MNIST recipe: mean 0.1307 and deviation 0.3081 of 255.
TEST(ComputeStatisticsTest, OfMnistAreTheKnownOnes) {
  const std::string path = RealData("datasets/mnist/train-images-idx3-ubyte.gz");
  if (!IsRegularFile(path)) GTEST_SKIP() << path << " is not there (BEAK_DATA)";
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenArrayFiles({{"image", path, "", {}}}, OnBadSample::kFail));
  ASSERT_OK_AND_ASSIGN(const ChannelStatistics statistics,
                       ComputeStatistics(*testing::PipelineOf(source, {ToPlanes()}), "image"));
  EXPECT_NEAR(statistics.mean[0] / 255, 0.1307, 5e-5);
  EXPECT_NEAR(statistics.deviation[0] / 255, 0.3081, 5e-5);
  EXPECT_EQ(statistics.minimum[0], 0);
  EXPECT_EQ(statistics.maximum[0], 255);
}

}  // namespace
}  // namespace beak::data
