#include "engine/base/cpu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <thread>

#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(BestIsaTest, TheEnvironmentLowersIt) {
  // The answer is kept for the life of a process, so each question is asked in a new one.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto ask = [](const char* limit, Isa at_most) {
    setenv("BEAK_MAX_ISA", limit, 1);
    exit(BestIsa() <= at_most ? 0 : 1);
  };
  EXPECT_EXIT(ask("sse2", Isa::kSse2), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(ask("avx2", Isa::kAvx2), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(ask("avx512", Isa::kAvx512), ::testing::ExitedWithCode(0), "");
  EXPECT_EXIT(ask("mmx", Isa::kAvx512), ::testing::ExitedWithCode(0), "BEAK_MAX_ISA");
}

TEST(AvailableCoresTest, IsAtLeastOneAndAtMostTheMachines) {
  EXPECT_GE(AvailableCores(), 1);
  EXPECT_LE(AvailableCores(), static_cast<int>(std::thread::hardware_concurrency()));
}

class CgroupTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) { mount_.Write(name, text); }
  std::optional<int> Cores(const std::string& self_cgroup) { return CgroupCores(self_cgroup, mount_.path()); }
  std::optional<CpuThrottling> Throttling(const std::string& self_cgroup) {
    return CgroupThrottling(self_cgroup, mount_.path());
  }

 private:
  testing::TempDir mount_;
};

using CgroupCoresTest = CgroupTest;
using CgroupThrottlingTest = CgroupTest;

TEST_F(CgroupCoresTest, RoundsAVersion2QuotaUp) {
  Write("app/cpu.max", "150000 100000\n");
  EXPECT_THAT(Cores("0::/app\n"), Optional(2));
}

TEST_F(CgroupCoresTest, AQuotaBelowOneCoreIsOne) {
  Write("cpu.max", "1000 100000\n");
  EXPECT_THAT(Cores("0::/\n"), Optional(1));
}

TEST_F(CgroupCoresTest, TheTightestAncestorCounts) {
  Write("a/cpu.max", "200000 100000\n");
  Write("a/b/cpu.max", "400000 100000\n");
  Write("a/b/c/cpu.max", "max 100000\n");
  EXPECT_THAT(Cores("0::/a/b/c\n"), Optional(2));
}

TEST_F(CgroupCoresTest, NoQuotaIsNoAnswer) {
  Write("cpu.max", "max 100000\n");
  EXPECT_THAT(Cores("0::/\n"), Eq(std::nullopt));
  EXPECT_THAT(Cores(""), Eq(std::nullopt));
  EXPECT_THAT(Cores("0::/not/there\n"), Eq(std::nullopt));
}

TEST_F(CgroupCoresTest, ReadsVersion1) {
  Write("cpu,cpuacct/docker/x/cpu.cfs_quota_us", "300000\n");
  Write("cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
  EXPECT_THAT(Cores("5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n"), Optional(3));
}

TEST_F(CgroupCoresTest, AVersion1PathOutsideTheContainerFallsBackToTheRoot) {
  Write("cpu/cpu.cfs_quota_us", "200000\n");
  Write("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_THAT(Cores("4:cpu:/kubepods/pod1\n"), Optional(2));
}

TEST_F(CgroupCoresTest, UnlimitedVersion1IsNoAnswer) {
  Write("cpu/cpu.cfs_quota_us", "-1\n");
  Write("cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_THAT(Cores("4:cpu:/\n"), Eq(std::nullopt));
}

TEST_F(CgroupCoresTest, NonsenseIsNoAnswer) {
  Write("cpu.max", "many few\n");
  EXPECT_THAT(Cores("0::/\n"), Eq(std::nullopt));
  Write("cpu.max", "100000 0\n");
  EXPECT_THAT(Cores("0::/\nx\n::\n"), Eq(std::nullopt));
}

TEST_F(CgroupThrottlingTest, ReadsVersion2) {
  Write("app/cpu.max", "150000 100000\n");
  Write("app/cpu.stat", "usage_usec 900\nnr_periods 40\nnr_throttled 7\nthrottled_usec 1234\nnr_bursts 1\n");
  const std::optional<CpuThrottling> throttling = Throttling("0::/app\n");
  ASSERT_TRUE(throttling);
  EXPECT_EQ(throttling->periods, 40);
  EXPECT_EQ(throttling->throttled_periods, 7);
  EXPECT_EQ(throttling->throttled, std::chrono::microseconds(1234));
}

TEST_F(CgroupThrottlingTest, ReadsVersion1) {
  Write("cpu,cpuacct/docker/x/cpu.cfs_quota_us", "300000\n");
  Write("cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
  Write("cpu,cpuacct/docker/x/cpu.stat", "nr_periods 5\nnr_throttled 2\nthrottled_time 99\n");
  const std::optional<CpuThrottling> throttling = Throttling("4:cpu,cpuacct:/docker/x\n");
  ASSERT_TRUE(throttling);
  EXPECT_EQ(throttling->periods, 5);
  EXPECT_EQ(throttling->throttled_periods, 2);
  EXPECT_EQ(throttling->throttled, std::chrono::nanoseconds(99));
}

// A group without a quota of its own counts nothing, however much an ancestor's holds it up.
TEST_F(CgroupThrottlingTest, TheTightestQuotasGroupCounts) {
  Write("a/cpu.max", "200000 100000\n");
  Write("a/cpu.stat", "nr_periods 1\n");
  Write("a/b/cpu.max", "190000 100000\n");
  Write("a/b/cpu.stat", "nr_periods 2\n");
  Write("a/b/c/cpu.max", "max 100000\n");
  Write("a/b/c/cpu.stat", "nr_periods 3\n");
  const std::optional<CpuThrottling> throttling = Throttling("0::/a/b/c\n");
  ASSERT_TRUE(throttling);
  EXPECT_EQ(throttling->periods, 2);
}

TEST_F(CgroupThrottlingTest, WithoutAQuotaThereIsNone) {
  Write("cpu.max", "max 100000\n");
  Write("cpu.stat", "nr_periods 3\n");
  EXPECT_FALSE(Throttling("0::/\n"));
  EXPECT_FALSE(Throttling(""));
}

TEST_F(CgroupThrottlingTest, NonsenseCountsAsNothing) {
  Write("cpu.max", "100000 100000\n");
  Write("cpu.stat", "nr_periods many\nnr_throttled -4\nthrottled_usec 9223372036854775807\nnr_periods");
  const std::optional<CpuThrottling> throttling = Throttling("0::/\n");
  ASSERT_TRUE(throttling);
  EXPECT_EQ(throttling->periods, 0);
  EXPECT_EQ(throttling->throttled_periods, 0);
  EXPECT_GT(throttling->throttled.count(), 0) << "no overflow";
}

}  // namespace
}  // namespace beak
