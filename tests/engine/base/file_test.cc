#include "engine/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FileTest : public ::testing::Test {
 protected:
  testing::TempDir dir_;
};

TEST_F(FileTest, ReadsTheWholeFile) {
  std::string contents(300'001, 'x');
  contents[7] = '\0';
  const std::string path = dir_.Write("file", contents);
  EXPECT_THAT(ReadFile(path, 1 << 20), IsOkAndHolds(contents));
}

TEST_F(FileTest, ReadsUpToTheLimitAndNotBeyond) {
  const std::string path = dir_.Write("file", "12345");
  EXPECT_THAT(ReadFile(path, 5), IsOkAndHolds("12345"));
  EXPECT_THAT(ReadFile(path, 4), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr(path)));
}

TEST_F(FileTest, ReadsAnEmptyFile) { EXPECT_THAT(ReadFile(dir_.Write("file", ""), 0), IsOkAndHolds("")); }

TEST_F(FileTest, ReadsFilesThatDoNotKnowTheirSize) {
  ASSERT_OK_AND_ASSIGN(const std::string status, ReadFile("/proc/self/status", 1 << 20));
  EXPECT_THAT(status, HasSubstr("Pid:"));
}

TEST_F(FileTest, SaysWhyAFileCannotBeRead) {
  EXPECT_THAT(ReadFile(dir_ / "none", 10), StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir_ / "none")));
  const std::string file = dir_.Write("file", "x");
  EXPECT_THAT(ReadFile(file + "/below", 10), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(ReadFile(dir_.path(), 10), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a regular")));
  EXPECT_THAT(ReadFile(std::string(5000, 'n'), 10), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(FileTest, DoesNotWaitForTheWriterOfAFifo) {
  const std::string path = dir_ / "fifo";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_THAT(ReadFile(path, 10), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(FileTest, PermissionDeniedIsSaid) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const std::string path = dir_.Write("file", "x");
  chmod(path.c_str(), 0);
  EXPECT_THAT(ReadFile(path, 10), StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr(path)));
}

TEST_F(FileTest, WritesAndReplacesWithoutLeavingAnythingElse) {
  const std::string path = dir_ / "file";
  ASSERT_OK(WriteFileAtomically(path, "one"));
  ASSERT_OK(WriteFileAtomically(path, "two"));
  EXPECT_THAT(ReadFile(path, 10), IsOkAndHolds("two"));
  EXPECT_THAT(ListDirectory(dir_.path()), IsOkAndHolds(ElementsAre("file")));
}

TEST_F(FileTest, WritesPiecesOneBehindTheOther) {
  const std::string path = dir_ / "file";
  const std::vector<std::string_view> pieces = {"one", "", " and two"};
  ASSERT_OK(WriteFileAtomically(path, pieces));
  EXPECT_THAT(ReadFile(path, 20), IsOkAndHolds("one and two"));
}

TEST_F(FileTest, RenamesFilesAndFolders) {
  dir_.Write("old/file", "x");
  ASSERT_OK(RenameDurably(dir_ / "old", dir_ / "new"));
  EXPECT_THAT(ReadFile(dir_ / "new/file", 10), IsOkAndHolds("x"));
  dir_.Write("other/file", "y");
  EXPECT_FALSE(RenameDurably(dir_ / "other", dir_ / "new").ok()) << "a folder that holds something";
  EXPECT_THAT(RenameDurably(dir_ / "none", dir_ / "one"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FileTest, AFailedWriteLeavesNothing) {
  EXPECT_THAT(WriteFileAtomically(dir_ / "none/file", "x"), StatusIs(absl::StatusCode::kNotFound));
  std::filesystem::create_directory(dir_ / "folder");
  EXPECT_FALSE(WriteFileAtomically(dir_ / "folder", "x").ok());
  EXPECT_THAT(ListDirectory(dir_.path()), IsOkAndHolds(ElementsAre("folder")));
}

TEST_F(FileTest, ListsNamesInOrder) {
  EXPECT_THAT(ListDirectory(dir_.path()), IsOkAndHolds(IsEmpty()));
  dir_.Write("b", "");
  dir_.Write("a", "");
  dir_.Write("c/d", "");
  EXPECT_THAT(ListDirectory(dir_.path()), IsOkAndHolds(ElementsAre("a", "b", "c")));
  EXPECT_THAT(ListDirectory(dir_ / "none"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(FileTest, TellsFilesFromFolders) {
  const std::string file = dir_.Write("file", "");
  EXPECT_TRUE(IsRegularFile(file));
  EXPECT_FALSE(IsDirectory(file));
  EXPECT_TRUE(IsDirectory(dir_.path()));
  EXPECT_FALSE(IsRegularFile(dir_.path()));
  EXPECT_FALSE(IsRegularFile(dir_ / "none"));
  EXPECT_FALSE(IsDirectory(dir_ / "none"));
}

TEST_F(FileTest, WithinFollowsLinks) {
  const std::string file = dir_.Write("root/a/file", "x");
  const std::string beside = dir_.Write("rooted/file", "x");
  const std::string root = dir_ / "root";
  EXPECT_OK(CheckWithin(root, file));
  EXPECT_OK(CheckWithin(root + "/", root));
  EXPECT_OK(CheckWithin("/", file));
  const auto outside = StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("expected a path within"));
  EXPECT_THAT(CheckWithin(root, beside), outside);
  EXPECT_THAT(CheckWithin(root, root + "/../rooted/file"), outside);
  ASSERT_EQ(symlink(beside.c_str(), (root + "/link").c_str()), 0);
  EXPECT_THAT(CheckWithin(root, root + "/link"), outside);
  ASSERT_EQ(symlink(root.c_str(), (dir_ / "other").c_str()), 0);
  EXPECT_OK(CheckWithin(dir_ / "other", file));
  EXPECT_THAT(CheckWithin(root, root + "/none"), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace beak
