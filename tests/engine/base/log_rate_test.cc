#include "engine/base/log_rate.h"

#include <gtest/gtest.h>

#include <chrono>

namespace beak {
namespace {

using std::chrono::milliseconds;

constexpr MonotonicTime kStart{std::chrono::hours(1)};

int AdmittedOf(LogRate& rate, int lines, MonotonicTime now) {
  int admitted = 0;
  for (int i = 0; i < lines; ++i) admitted += rate.Admit(now).has_value();
  return admitted;
}

TEST(LogRateTest, ABurstPassesAndThenSoManyASecond) {
  LogRate rate(10, 25);
  EXPECT_EQ(AdmittedOf(rate, 1000, kStart), 25);
  EXPECT_EQ(AdmittedOf(rate, 1000, kStart + milliseconds(50)), 0);
  EXPECT_EQ(AdmittedOf(rate, 1000, kStart + milliseconds(1000)), 10);
  EXPECT_EQ(AdmittedOf(rate, 1000, kStart + std::chrono::hours(1)), 25) << "no more than the burst is saved up";
}

TEST(LogRateTest, TheNextLineTellsHowManyWereLeftOut) {
  LogRate rate(1, 2);
  EXPECT_EQ(rate.Admit(kStart), 0);
  EXPECT_EQ(rate.Admit(kStart), 0);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(rate.Admit(kStart), std::nullopt);
  EXPECT_EQ(rate.Admit(kStart + milliseconds(1500)), 7);
  EXPECT_EQ(rate.Admit(kStart + milliseconds(2500)), 0);
}

}  // namespace
}  // namespace beak
