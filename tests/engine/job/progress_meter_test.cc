#include "engine/job/progress_meter.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace beak {
namespace {

using std::chrono::milliseconds;
using testing::FakeClock;

TEST(ProgressMeterTest, ThePauseOfOneBatchIsNotItsSpeed) {
  FakeClock clock;
  ProgressMeter meter(clock);
  EXPECT_EQ(meter.median_seconds(), 0);
  double sum = 0;
  for (int batch = 0; batch < 9; ++batch) {
    clock.Advance(milliseconds(batch == 4 ? 60'000 : 20));
    sum += meter.BatchDone();
  }
  EXPECT_NEAR(meter.median_seconds(), 0.02, 1e-9);
  EXPECT_NEAR(sum, 60 + 8 * 0.02, 1e-9);
}

TEST(ProgressMeterTest, FollowsAChangeOfSpeed) {
  FakeClock clock;
  ProgressMeter meter(clock);
  for (int batch = 0; batch < 1000; ++batch) {
    clock.Advance(milliseconds(batch < 900 ? 10 : 30));
    meter.BatchDone();
  }
  EXPECT_NEAR(meter.median_seconds(), 0.03, 1e-9);
}

TEST(ProgressMeterTest, WhatIsNoBatchIsNotCounted) {
  FakeClock clock;
  ProgressMeter meter(clock);
  clock.Advance(milliseconds(5000));
  meter.Restart();
  clock.Advance(milliseconds(10));
  EXPECT_NEAR(meter.BatchDone(), 0.01, 1e-9);
}

TEST(ProgressMeterTest, IsDueTwiceASecond) {
  FakeClock clock;
  ProgressMeter meter(clock);
  int due = 0;
  for (int i = 0; i < 1000; ++i) {
    due += meter.DueToTell();
    clock.Advance(milliseconds(10));
  }
  EXPECT_EQ(due, 20);
}

}  // namespace
}  // namespace beak
