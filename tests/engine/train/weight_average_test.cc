#include "engine/train/weight_average.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::unique_ptr<WeightAverage> Make(const WeightAverageOptions& options) {
  absl::StatusOr<std::unique_ptr<WeightAverage>> average = WeightAverage::Create(options, {{"a", {2}}, {"b", {1}}});
  EXPECT_OK(average);
  return *std::move(average);
}

void Update(WeightAverage& average, std::vector<float> a, std::vector<float> b) {
  average.Update(std::vector<std::span<const float>>{a, b});
}

TEST(WeightAverageTest, BeginsWithTheFirstWeights) {
  const std::unique_ptr<WeightAverage> average = Make({.decay = 0.75});
  Update(*average, {1, 2}, {4});
  EXPECT_THAT(average->average(0), ElementsAre(1, 2));
  Update(*average, {5, 2}, {0});
  EXPECT_THAT(average->average(0), ElementsAre(2, 2));  // 0.75 * 1 + 0.25 * 5
  EXPECT_THAT(average->average(1), ElementsAre(3));
  EXPECT_EQ(average->updates(), 2);
}

// Corrected for its start it is sum decay^(t - i) w_i / sum decay^(t - i). Float32 rounds each of 200 updates to 6e-8,
// most of which decays again.
TEST(WeightAverageTest, CorrectedItIsTheWeightedMean) {
  const double decay = 0.98;
  const std::unique_ptr<WeightAverage> average = Make({decay, true});
  double sum = 0;
  double weights = 0;
  for (int t = 1; t <= 200; ++t) {
    const auto w = static_cast<float>(std::sin(0.1 * t));
    Update(*average, {w, 1}, {w});
    sum = decay * sum + w;
    weights = decay * weights + 1;
    EXPECT_NEAR(average->average(0)[0], sum / weights, 2e-6) << "update " << t;
    EXPECT_EQ(average->average(0)[1], 1);
  }
}

TEST(WeightAverageTest, ResumedItGivesTheSameBits) {
  const std::unique_ptr<WeightAverage> first = Make({0.9, true});
  const std::unique_ptr<WeightAverage> second = Make({0.9, true});
  Update(*first, {1, 2}, {3});
  Update(*first, {0.1f, 0.2f}, {0.3f});
  ASSERT_OK(second->Import(first->Export()));
  Update(*first, {7, 8}, {9});
  Update(*second, {7, 8}, {9});
  EXPECT_EQ(second->updates(), 3);
  for (const size_t p : {0, 1}) {
    EXPECT_THAT(second->average(p), ::testing::ElementsAreArray(first->average(p).begin(), first->average(p).end()));
  }
}

TEST(WeightAverageTest, RefusesAnotherState) {
  const std::unique_ptr<WeightAverage> average = Make({});
  NamedState state = average->Export();
  state.tensors["b/average"] = Tensor::Of<float>({2}, {1, 2});
  EXPECT_THAT(average->Import(state), StatusIs(absl::StatusCode::kInvalidArgument,
                                               HasSubstr("weight average state: 'b/average': expected float32 [1]")));
}

TEST(WeightAverageTest, RefusesWhatItCannotUse) {
  EXPECT_THAT(
      WeightAverage::Create({.decay = 1}, {}).status(),
      StatusIs(absl::StatusCode::kInvalidArgument, "weight average: decay: expected a number in [0, 1), got 1"));
}

}  // namespace
}  // namespace beak
