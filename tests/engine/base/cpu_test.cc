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

class CgroupCoresTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) { mount_.Write(name, text); }
  std::optional<int> Cores(const std::string& self_cgroup) { return CgroupCores(self_cgroup, mount_.path()); }

 private:
  testing::TempDir mount_;
};

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

}  // namespace
}  // namespace beak
