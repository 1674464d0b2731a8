#include "server/observe/headroom.h"

#include <gtest/gtest.h>

namespace beak {
namespace {

using std::chrono::milliseconds;

const MonotonicTime kStart(std::chrono::hours(1));

Headroom::Sample At(double seconds, double offered, double cpu = 0) {
  return {kStart + milliseconds(static_cast<int64_t>(seconds * 1000)), offered, cpu};
}

TEST(HeadroomTest, NothingIsKnownOfOneSample) {
  Headroom headroom(2);
  EXPECT_EQ(headroom.Update(At(0, 50, 50)), Headroom::kMax);
}

TEST(HeadroomTest, LanesOverWhatIsOfferedThem) {
  Headroom headroom(2);
  headroom.Update(At(0, 100));
  EXPECT_DOUBLE_EQ(headroom.Update(At(5, 102)), 5) << "10 seconds of lanes for 2 of requests";
}

TEST(HeadroomTest, BelowOneIsOverload) {
  Headroom headroom(2);
  headroom.Update(At(0, 0));
  EXPECT_DOUBLE_EQ(headroom.Update(At(4, 16, 8)), 0.5);
}

TEST(HeadroomTest, WhatTheProcessComputesCountsWhereItIsMore) {
  Headroom headroom(4);
  headroom.Update(At(0, 0, 7));
  EXPECT_DOUBLE_EQ(headroom.Update(At(5, 1, 17)), 2) << "wire and copies are load too";
}

TEST(HeadroomTest, IdleIsTheMostThatIsShown) {
  Headroom headroom(2);
  headroom.Update(At(0, 3, 3));
  EXPECT_EQ(headroom.Update(At(5, 3, 3)), Headroom::kMax);
  EXPECT_EQ(headroom.Update(At(6, 3.001, 3)), Headroom::kMax);
}

TEST(HeadroomTest, TwoSamplesOfOneMomentDivideByNothing) {
  Headroom headroom(2);
  headroom.Update(At(0, 0));
  EXPECT_EQ(headroom.Update(At(0, 5)), Headroom::kMax);
}

TEST(HeadroomTest, WhatWasLongAgoIsForgotten) {
  Headroom headroom(1);
  double offered = 0;
  double ratio = 0;
  for (int second = 0; second <= 20; ++second) ratio = headroom.Update(At(second, offered += 2));
  EXPECT_DOUBLE_EQ(ratio, 0.5);
  for (int second = 21; second <= 30; ++second) ratio = headroom.Update(At(second, offered += 0.25));
  EXPECT_DOUBLE_EQ(ratio, 4) << "ten seconds later";
}

TEST(HeadroomTest, ScrapesThatAreFarApartAreMeasuredFromOneToTheNext) {
  Headroom headroom(1);
  headroom.Update(At(0, 0));
  headroom.Update(At(60, 60));
  EXPECT_DOUBLE_EQ(headroom.Update(At(120, 75)), 4);
}

TEST(HeadroomTest, ManyScrapersSeeTheSame) {
  Headroom once(1);
  Headroom often(1);
  double seldom = 0;
  double frequent = 0;
  for (int tick = 0; tick <= 3000; ++tick) {
    const Headroom::Sample sample = At(tick * 0.01, tick * 0.005);
    frequent = often.Update(sample);
    if (tick % 100 == 0) seldom = once.Update(sample);
  }
  EXPECT_DOUBLE_EQ(seldom, 2);
  EXPECT_NEAR(frequent, 2, 1e-9);
}

}  // namespace
}  // namespace beak
