#include "engine/base/memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "engine/base/process.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(AvailableMemoryBytesTest, IsMoreThanThisProcessHolds) {
  EXPECT_GT(ResidentBytes(), 1 << 20);
  EXPECT_GT(AvailableMemoryBytes(), ResidentBytes());
}

class CgroupMemoryTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) { mount_.Write(name, text); }
  std::optional<int64_t> Bytes(const std::string& self_cgroup) { return CgroupMemoryBytes(self_cgroup, mount_.path()); }

 private:
  testing::TempDir mount_;
};

TEST_F(CgroupMemoryTest, TheTightestAncestorOfVersion2Counts) {
  Write("a/memory.max", "2000000\n");
  Write("a/b/memory.max", "4000000\n");
  Write("a/b/c/memory.max", "max\n");
  EXPECT_THAT(Bytes("0::/a/b/c\n"), Optional(2000000));
}

TEST_F(CgroupMemoryTest, ReadsVersion1AndFallsBackToTheRoot) {
  Write("memory/memory.limit_in_bytes", "3000000\n");
  EXPECT_THAT(Bytes("5:cpu:/x\n4:memory:/kubepods/pod1\n"), Optional(3000000));
}

TEST_F(CgroupMemoryTest, NoLimitIsNoAnswer) {
  Write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_THAT(Bytes("4:memory:/\n"), Eq(std::nullopt));
  Write("memory.max", "max\n");
  EXPECT_THAT(Bytes("0::/\n"), Eq(std::nullopt));
  Write("memory.max", "much\n");
  EXPECT_THAT(Bytes("0::/\nx\n::\n"), Eq(std::nullopt));
  EXPECT_THAT(Bytes(""), Eq(std::nullopt));
}

}  // namespace
}  // namespace beak
