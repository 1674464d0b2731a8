#include "engine/train/early_stopping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using enum EarlyStopping::Verdict;

std::vector<EarlyStopping::Verdict> Verdicts(const EarlyStoppingOptions& options, const std::vector<double>& metrics) {
  EarlyStopping stopping(options);
  std::vector<EarlyStopping::Verdict> verdicts;
  for (const double metric : metrics) verdicts.push_back(stopping.Observe(metric));
  return verdicts;
}

TEST(EarlyStoppingTest, StopsAfterPatienceRoundsWithoutImprovement) {
  EXPECT_THAT(Verdicts({.patience = 2}, {3, 2, 2, 1, 1, 1}),
              ElementsAre(kImproved, kImproved, kGoOn, kImproved, kGoOn, kStop));
}

TEST(EarlyStoppingTest, WithoutPatienceStopsAtOnce) {
  EXPECT_THAT(Verdicts({.patience = 0}, {3, 3}), ElementsAre(kImproved, kStop));
  EXPECT_THAT(Verdicts({.patience = 1}, {3, 3}), ElementsAre(kImproved, kStop));
}

TEST(EarlyStoppingTest, SmallImprovementsDoNotCount) {
  EXPECT_THAT(Verdicts({.patience = 2, .min_delta = 0.5}, {3, 2.6, 2.4, 2}),
              ElementsAre(kImproved, kGoOn, kImproved, kGoOn));
}

TEST(EarlyStoppingTest, MaximizesToo) {
  EXPECT_THAT(Verdicts({.goal = Goal::kMaximize, .patience = 2}, {0.5, 0.6, 0.6, 0.5}),
              ElementsAre(kImproved, kImproved, kGoOn, kStop));
}

TEST(EarlyStoppingTest, WhatIsNotFiniteIsNoImprovement) {
  EXPECT_THAT(Verdicts({.patience = 3}, {std::nan(""), -HUGE_VAL, 7, 8}), ElementsAre(kGoOn, kGoOn, kImproved, kGoOn));
}

TEST(EarlyStoppingTest, ResumesWhereItWas) {
  EarlyStopping first({.patience = 2});
  EarlyStopping second({.patience = 2});
  ASSERT_OK(second.Import(first.Export()));  // nothing seen yet
  EXPECT_EQ(second.best(), std::nullopt);
  first.Observe(5);
  first.Observe(6);
  ASSERT_OK(second.Import(first.Export()));
  EXPECT_EQ(second.best(), 5);
  EXPECT_EQ(second.Observe(5), kStop);
}

TEST(EarlyStoppingTest, RefusesAnotherState) {
  EarlyStopping stopping({});
  EXPECT_THAT(stopping.Import({{}, {{"best", 1}}}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("early stopping state: 'bad_rounds'")));
  EXPECT_EQ(stopping.best(), std::nullopt);
}

TEST(EarlyStoppingTest, EveryWrongFieldIsNamed) {
  EXPECT_THAT(Validate(EarlyStoppingOptions{.patience = -1, .min_delta = -1}),
              ElementsAre("patience: expected 0 or more, got -1", "min_delta: expected a number in [0, 1e30], got -1"));
}

}  // namespace
}  // namespace beak
