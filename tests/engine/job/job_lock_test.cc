#include "engine/job/job_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using testing::StatusIs;
using testing::TempDir;

TEST(JobLockTest, OneProcessAtATime) {
  const TempDir dir;
  const std::string folder = dir / "jobs/7";
  ASSERT_OK_AND_ASSIGN(ScopedFd first, LockJobFolder(folder));
  EXPECT_TRUE(std::filesystem::exists(folder + "/lock"));
  EXPECT_THAT(LockJobFolder(folder), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("no other process")));
  first.reset();
  EXPECT_OK(LockJobFolder(folder));
}

TEST(JobLockTest, WaitsWhereItMay) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(ScopedFd first, LockJobFolder(dir.path()));
  int waited = 0;
  EXPECT_OK(LockJobFolder(dir.path(), [&] {
    if (++waited == 3) first.reset();
    return true;
  }));
  EXPECT_EQ(waited, 3);
}

TEST(JobLockTest, GivesUpWhenAskedTo) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const ScopedFd first, LockJobFolder(dir.path()));
  EXPECT_THAT(LockJobFolder(dir.path(), [] { return false; }), StatusIs(absl::StatusCode::kCancelled));
}

TEST(JobLockTest, AFolderThatCannotBeMadeIsAnError) {
  const TempDir dir;
  dir.Write("file", "");
  EXPECT_FALSE(LockJobFolder(dir / "file").ok());
  EXPECT_FALSE(LockJobFolder(dir / "file/below").ok());
}

}  // namespace
}  // namespace beak
