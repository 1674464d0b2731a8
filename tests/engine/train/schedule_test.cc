#include "engine/train/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace beak {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pointwise;
using enum Flavour;

Schedule PerStep(double base_rate, ScheduleShape shape) { return {ScheduleUnit::kStep, base_rate, std::move(shape)}; }

std::vector<double> Rates(const Schedule& schedule, const std::vector<int64_t>& steps) {
  EXPECT_THAT(Validate(schedule), IsEmpty());
  std::vector<double> rates;
  for (const int64_t step : steps) rates.push_back(LearningRateAt(schedule, {.step = step}));
  return rates;
}

// Values follow from the formulas by hand or are said to come from elsewhere; double loses nothing that shows.
auto AreAbout(const std::vector<double>& rates) { return Pointwise(DoubleNear(1e-12), rates); }

double HalfCosine(double part) { return 0.5 * (1 + std::cos(std::numbers::pi * part)); }

TEST(ScheduleTest, TheUnitSaysWhatIsCounted) {
  Schedule schedule = PerStep(1, StepDecay{.every = 10});
  EXPECT_DOUBLE_EQ(LearningRateAt(schedule, {.step = 25, .epoch = 3}), 0.01);
  schedule.unit = ScheduleUnit::kEpoch;
  EXPECT_DOUBLE_EQ(LearningRateAt(schedule, {.step = 25, .epoch = 3}), 1);
  EXPECT_DOUBLE_EQ(LearningRateAt(schedule, {.step = 250, .epoch = 10}), 0.1);
}

TEST(ScheduleTest, Constant) {
  EXPECT_THAT(Rates(PerStep(0.3, ConstantRate{}), {0, 1, 1000000}), ElementsAre(0.3, 0.3, 0.3));
}

TEST(ScheduleTest, Step) {
  EXPECT_THAT(Rates(PerStep(0.05, StepDecay{30}), {0, 29, 30, 59, 60, 90}),
              AreAbout({0.05, 0.05, 0.005, 0.005, 0.0005, 0.00005}));
}

TEST(ScheduleTest, MultiStepDecaysAtTheMilestone) {
  EXPECT_THAT(Rates(PerStep(0.05, MultiStepDecay{{30, 80}, 0.5}), {0, 29, 30, 79, 80, 1000}),
              AreAbout({0.05, 0.05, 0.025, 0.025, 0.0125, 0.0125}));
}

TEST(ScheduleTest, PiecewiseConstantDecaysAfterTheBoundary) {
  EXPECT_THAT(Rates(PerStep(1, PiecewiseConstant{{100, 110}, {0.5, 0.1}}), {0, 99, 100, 101, 110, 111, 9999}),
              AreAbout({1, 1, 1, 0.5, 0.5, 0.1, 0.1}));
}

TEST(ScheduleTest, Exponential) {
  EXPECT_THAT(Rates(PerStep(0.1, ExponentialDecay{.gamma = 0.9}), {0, 1, 2}), AreAbout({0.1, 0.09, 0.081}));
  EXPECT_THAT(Rates(PerStep(0.1, ExponentialDecay{0.25, 10}), {0, 5, 10, 20}), AreAbout({0.1, 0.05, 0.025, 0.00625}));
  EXPECT_THAT(Rates(PerStep(0.1, ExponentialDecay{0.25, 10, true}), {0, 5, 9, 10, 19}),
              AreAbout({0.1, 0.1, 0.1, 0.025, 0.025}));
}

TEST(ScheduleTest, Linear) {
  EXPECT_THAT(Rates(PerStep(0.3, LinearFactor{}), {0, 1, 4, 5, 6}), AreAbout({0.1, 0.14, 0.26, 0.3, 0.3}));
}

TEST(ScheduleTest, Polynomial) {
  EXPECT_THAT(Rates(PerStep(1, PolynomialDecay{}), {0, 1, 4, 5, 6}), AreAbout({1, 0.8, 0.2, 0, 0}));
  EXPECT_THAT(Rates(PerStep(0.1, PolynomialDecay{100, 1e-4, 2}), {0, 50, 100, 200}),
              AreAbout({0.1, 0.0999 * 0.25 + 1e-4, 1e-4, 1e-4}));
}

TEST(ScheduleTest, PyTorchsCosineRisesAgain) {
  EXPECT_THAT(Rates(PerStep(0.4, CosineDecay{kPyTorch, 10, 0.25}), {0, 5, 10, 15, 20}),
              AreAbout({0.4, 0.25, 0.1, 0.25, 0.4}));
}

TEST(ScheduleTest, KerasCosineStays) {
  EXPECT_THAT(Rates(PerStep(0.4, CosineDecay{kKeras, 10, 0.25}), {0, 5, 10, 15, 20}),
              AreAbout({0.4, 0.25, 0.1, 0.1, 0.1}));
  EXPECT_THAT(Rates(PerStep(1, CosineDecay{kKeras, 12}), {2, 4}), AreAbout({HalfCosine(1.0 / 6), 0.75}));
}

TEST(ScheduleTest, WarmRestartsOfEqualLength) {
  EXPECT_THAT(Rates(PerStep(1, CosineRestarts{4}), {0, 1, 2, 4, 6, 8}),
              AreAbout({1, HalfCosine(0.25), 0.5, 1, 0.5, 1}));
}

// Cycles 10, 20, 40, ... begin at 0, 10, 30, 70, ...
TEST(ScheduleTest, WarmRestartsOfGrowingLength) {
  const Schedule schedule = PerStep(1, CosineRestarts{10, 2, 0.5, 0.1});
  const auto rate = [](double peak, double part) { return peak * 0.9 * HalfCosine(part) + 0.1; };
  EXPECT_THAT(
      Rates(schedule, {0, 5, 9, 10, 20, 29, 30, 50, 69, 70}),
      AreAbout({1, 0.55, rate(1, 0.9), 0.55, 0.325, rate(0.5, 0.95), 0.325, 0.2125, rate(0.25, 0.975), 0.2125}));
}

// At each restart the rate is the peak, and before it nearly 0 (0.0495 where a cycle has 7 positions), however the
// logarithm rounds: lengths that are no powers, far out.
TEST(ScheduleTest, RestartsAreWhereTheCyclesBegin) {
  for (const int64_t factor : {2, 3, 5, 7}) {
    const Schedule schedule = PerStep(1, CosineRestarts{7, static_cast<double>(factor)});
    int64_t length = 7 * factor;
    for (int64_t begin = 7; begin < int64_t{1} << 52; begin += length, length *= factor) {
      EXPECT_THAT(Rates(schedule, {begin}), AreAbout({1})) << factor << " at " << begin;
      EXPECT_LT(Rates(schedule, {begin - 1})[0], 0.05) << factor << " before " << begin;
    }
  }
}

// PyTorch's documentation has no numbers; these follow from its two phases: up from 1/25 until 0.3 * 100 - 1 = 29, down
// to 1/250000 at 99.
TEST(ScheduleTest, OneCycle) {
  const Schedule schedule = PerStep(1, OneCycle{100});
  EXPECT_THAT(Rates(schedule, {0, 29, 64, 99, 1000}), AreAbout({0.04, 1, (1 + 4e-6) / 2, 4e-6, 4e-6}));
  EXPECT_THAT(Rates(schedule, {10}), AreAbout({1 - 0.96 * HalfCosine(10.0 / 29)}));
  const Schedule linear =
      PerStep(1, OneCycle{.length = 21, .rise = 11.0 / 21, .div = 10, .final_div = 10, .linear = true});
  EXPECT_THAT(Rates(linear, {0, 5, 10, 15, 20}), AreAbout({0.1, 0.55, 1, 0.505, 0.01}));
}

// Check values of the reference: alpha_0 = 0.1, T = 300, M = 6, iteration t = s + 1; they have nine decimals.
TEST(ScheduleTest, SnapshotCosine) {
  const SnapshotCosine shape = {300, 6};
  EXPECT_THAT(Rates(PerStep(0.1, shape), {0, 1, 25, 49, 50}),
              Pointwise(DoubleNear(1e-9), {0.1, 0.099901336, 0.05, 0.000098664, 0.1}));
  int snapshots = 0;
  for (int64_t s = 0; s < 300; ++s) snapshots += EndsSnapshotCycle(shape, s) ? 1 : 0;
  EXPECT_EQ(snapshots, 6);
  EXPECT_TRUE(EndsSnapshotCycle(shape, 49));
  EXPECT_TRUE(EndsSnapshotCycle(shape, 299));
}

TEST(ScheduleTest, TheLastSnapshotOfAShorterCycleIsTheEnd) {
  const SnapshotCosine shape = {10, 3};  // 4 + 4 + 2
  std::vector<int64_t> ends;
  for (int64_t s = 0; s < 10; ++s) {
    if (EndsSnapshotCycle(shape, s)) ends.push_back(s);
  }
  EXPECT_THAT(ends, ElementsAre(3, 7, 9));
}

TEST(ScheduleTest, WarmUpComesBeforeTheShape) {
  Schedule schedule = PerStep(0.8, StepDecay{5});
  schedule.warmup = 4;
  schedule.warmup_start = 0.5;
  EXPECT_THAT(Rates(schedule, {0, 1, 2, 3, 4, 8, 9}), AreAbout({0.4, 0.5, 0.6, 0.7, 0.8, 0.8, 0.08}));
}

// Keras' CosineDecay(0, 1000, warmup_target=0.1, warmup_steps=1000), the example of its documentation.
TEST(ScheduleTest, KerasCosineWithWarmUp) {
  Schedule schedule = PerStep(0.1, CosineDecay{kKeras, 1000});
  schedule.warmup = 1000;
  EXPECT_THAT(Rates(schedule, {0, 500, 1000, 1500, 2000, 3000}), AreAbout({0, 0.05, 0.1, 0.05, 0, 0}));
}

TEST(ScheduleTest, EveryWrongFieldIsNamed) {
  Schedule schedule = PerStep(std::nan(""), OneCycle{.length = 3, .rise = 0.3, .div = 0});
  schedule.warmup = -1;
  schedule.warmup_start = 2;
  EXPECT_THAT(Validate(schedule),
              ElementsAre("base_rate: expected a number in [0, 1e30], got nan", "warmup: expected 0 or more, got -1",
                          "warmup_start: expected a number in [0, 1], got 2",
                          "rise: expected a part of the length above 1 position and below all, got 0.3",
                          "div: expected a number in [1e-6, 1e30], got 0"));
}

TEST(ScheduleTest, ShapesThatCannotBe) {
  const std::vector<std::pair<ScheduleShape, const char*>> cases = {
      {StepDecay{}, "every: expected 1 or more, got 0"},
      {StepDecay{1, 1.5}, "gamma: expected a number in [1e-6, 1], got 1.5"},
      {MultiStepDecay{}, "milestones: expected positions that ascend, got none"},
      {MultiStepDecay{{3, 3}}, "milestones: expected positions that ascend, got others"},
      {MultiStepDecay{{-3}}, "milestones: expected positions that ascend, got others"},
      {PiecewiseConstant{{3}, {}}, "rates: expected as many as boundaries, got 0"},
      {PiecewiseConstant{{3}, {-1}}, "rates: expected a number in [0, 1e30], got -1"},
      {ExponentialDecay{0.5, 0}, "every: expected a number in [1e-6, 1e30], got 0"},
      {LinearFactor{0.1, 1, 0}, "length: expected 1 or more, got 0"},
      {PolynomialDecay{5, 0, -1}, "power: expected a number in [1e-6, 1e30], got -1"},
      {CosineDecay{}, "length: expected 1 or more, got 0"},
      {CosineDecay{kKeras, 1, 2}, "end_fraction: expected a number in [0, 1], got 2"},
      {CosineRestarts{1, 0.5}, "length_factor: expected a number in [1, 1e6], got 0.5"},
      {SnapshotCosine{5, 6}, "cycles: expected 1 to length, got 6"},
  };
  for (const auto& [shape, error] : cases) EXPECT_THAT(Validate(PerStep(1, shape)), ElementsAre(error));
}

}  // namespace
}  // namespace beak
