#include "engine/train/plateau.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pointwise;
using enum Flavour;

// The rate after each round.
std::vector<double> Rates(Plateau plateau, const std::vector<double>& metrics) {
  std::vector<double> rates;
  for (const double metric : metrics) {
    plateau.Observe(metric);
    rates.push_back(plateau.rate());
  }
  return rates;
}

auto AreAbout(const std::vector<double>& rates) { return Pointwise(DoubleNear(1e-12), rates); }

TEST(PlateauTest, PyTorchWaitsForMoreThanPatience) {
  EXPECT_THAT(Rates({{.flavour = kPyTorch, .patience = 2}, 1}, {5, 5, 5, 5, 5, 5, 5}),
              AreAbout({1, 1, 1, 0.1, 0.1, 0.1, 0.01}));
}

TEST(PlateauTest, KerasWaitsForPatience) {
  EXPECT_THAT(Rates({{.flavour = kKeras, .patience = 2}, 1}, {5, 5, 5, 5, 5, 5, 5}),
              AreAbout({1, 1, 0.1, 0.1, 0.01, 0.01, 0.001}));
}

TEST(PlateauTest, AnImprovementBeginsTheCountAnew) {
  EXPECT_THAT(Rates({{.flavour = kKeras, .patience = 2}, 1}, {5, 5, 4, 4, 3, 3, 3}), AreAbout({1, 1, 1, 1, 1, 1, 0.1}));
}

// Half a unit of 1000 is less than one part in a thousand, and more than a thousandth.
TEST(PlateauTest, TheThresholdIsRelativeForPyTorchAndAbsoluteForKeras) {
  const std::vector<double> metrics = {1000, 999.5};
  EXPECT_THAT(Rates({{.flavour = kPyTorch, .patience = 0, .threshold = 1e-3}, 1}, metrics), AreAbout({1, 0.1}));
  EXPECT_THAT(Rates({{.flavour = kKeras, .patience = 1, .threshold = 1e-3}, 1}, metrics), AreAbout({1, 1}));
}

TEST(PlateauTest, MaximizesToo) {
  for (const Flavour flavour : {kPyTorch, kKeras}) {
    EXPECT_THAT(Rates({{.flavour = flavour, .goal = Goal::kMaximize, .patience = 1}, 1}, {0.5, 0.6, 0.7}),
                AreAbout({1, 1, 1}));
  }
}

// PyTorch counts no bad round as long as a cooldown lasts; Keras counts the one that ends it.
TEST(PlateauTest, CooldownDelays) {
  const std::vector<double> metrics(7, 1.0);
  EXPECT_THAT(Rates({{.flavour = kPyTorch, .patience = 0, .cooldown = 2}, 1}, metrics),
              AreAbout({1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01}));
  EXPECT_THAT(Rates({{.flavour = kKeras, .patience = 1, .cooldown = 2}, 1}, metrics),
              AreAbout({1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.001}));
}

TEST(PlateauTest, TheRateHasALowerBound) {
  EXPECT_THAT(Rates({{.flavour = kKeras, .patience = 1, .min_rate = 0.05}, 1}, {1, 1, 1, 1}),
              AreAbout({1, 0.1, 0.05, 0.05}));
  EXPECT_THAT(Rates({{.flavour = kPyTorch, .patience = 0, .min_rate = 0.05}, 1}, {1, 1, 1, 1}),
              AreAbout({1, 0.1, 0.05, 0.05}));
}

TEST(PlateauTest, PyTorchIgnoresReductionsTooSmallToMatter) {
  EXPECT_THAT(Rates({{.flavour = kPyTorch, .patience = 0}, 1e-8}, {1, 1}), ElementsAre(1e-8, 1e-8));
}

TEST(PlateauTest, WhatIsNotFiniteIsNoImprovement) {
  EXPECT_THAT(Rates({{.flavour = kKeras, .patience = 2}, 1}, {std::nan(""), -HUGE_VAL, 5}), AreAbout({1, 0.1, 0.1}));
}

TEST(PlateauTest, ResumesWhereItWas) {
  const std::vector<double> metrics = {5, 4, 4, 4, 4, 3.9, 3.9, 3.9, 3.9, 3.9};
  const PlateauOptions options = {.patience = 1, .cooldown = 1};
  for (size_t cut = 0; cut <= metrics.size(); ++cut) {
    Plateau first(options, 1);
    Plateau second(options, 1);
    for (size_t i = 0; i < cut; ++i) first.Observe(metrics[i]);
    ASSERT_OK(second.Import(first.Export()));
    for (size_t i = cut; i < metrics.size(); ++i) {
      first.Observe(metrics[i]);
      second.Observe(metrics[i]);
      EXPECT_EQ(second.rate(), first.rate());
    }
  }
}

TEST(PlateauTest, RefusesAnotherState) {
  Plateau plateau({}, 0.1);
  NamedState state = plateau.Export();
  state.numbers["rate"] = 0.2;
  EXPECT_THAT(plateau.Import(state), StatusIs(absl::StatusCode::kInvalidArgument,
                                              HasSubstr("plateau state: 'rate': expected a number in [0, 0.1]")));
  EXPECT_EQ(plateau.rate(), 0.1);
}

TEST(PlateauTest, EveryWrongFieldIsNamed) {
  EXPECT_THAT(Validate(PlateauOptions{}), IsEmpty());
  EXPECT_THAT(
      Validate(PlateauOptions{.factor = 1, .patience = -1, .threshold = -1, .cooldown = -1, .min_rate = std::nan("")}),
      ElementsAre("factor: expected a number in (0, 1), got 1", "patience: expected 0 or more, got -1",
                  "threshold: expected a number in [0, 1e30], got -1", "cooldown: expected 0 or more, got -1",
                  "min_rate: expected a number in [0, 1e30], got nan"));
}

}  // namespace
}  // namespace beak
