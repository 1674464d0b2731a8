#include "server/jobs/job_folders.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "tests/server/jobs/trainer_support.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using testing::ReadText;
using testing::StatusIs;
using testing::TempDir;

class JobFoldersTest : public ::testing::Test {
 protected:
  JobFoldersTest() { fs::create_directory(dir_ / "jobs"); }

  const TempDir dir_;
  const JobFolders folders_{dir_.path(), "owner1"};
};

TEST_F(JobFoldersTest, AFolderIsMadeOnce) {
  EXPECT_EQ(folders_.PathOf("m-1"), dir_ / "jobs/m-1");
  ASSERT_OK(folders_.Make("m-1"));
  dir_.Write("jobs/m-1/checkpoint", "step 7");
  ASSERT_OK(folders_.Make("m-1"));
  EXPECT_EQ(ReadText(dir_ / "jobs/m-1/checkpoint"), "step 7");
  EXPECT_EQ(ReadText(dir_ / "jobs/m-1/owner"), "owner1");
}

TEST_F(JobFoldersTest, AFolderOfAnotherDatabaseIsPutAside) {
  for (int i = 1; i <= 2; ++i) {
    ASSERT_OK(JobFolders(dir_.path(), "other").Make("m-1"));
    ASSERT_OK(folders_.Make("m-1"));
    EXPECT_EQ(ReadText(dir_ / "jobs/m-1/owner"), "owner1");
    // In the second round the first of the two calls has put the folder of the round before aside.
    EXPECT_EQ(ReadText(absl::StrCat(dir_ / "jobs/m-1.lost-", 2 * i - 1, "/owner")), "other");
  }
  dir_.Write("jobs/m-2/file", "of nobody");
  ASSERT_OK(folders_.Make("m-2"));
  EXPECT_TRUE(fs::exists(dir_ / "jobs/m-2.lost-1/file"));
}

TEST_F(JobFoldersTest, AFolderThatCannotBeMadeIsSaid) {
  dir_.Write("file/jobs", "");
  EXPECT_FALSE(JobFolders(dir_ / "file/jobs", "owner").Make("m-1").ok());
}

TEST_F(JobFoldersTest, ACheckGetsAnEmptyFolder) {
  ASSERT_OK_AND_ASSIGN(const std::string folder, folders_.MakeForCheck(3));
  dir_.Write(folder.substr(dir_.path().size() + 1) + "/rest", "");
  ASSERT_OK_AND_ASSIGN(const std::string again, folders_.MakeForCheck(3));
  EXPECT_EQ(again, folder);
  EXPECT_TRUE(fs::is_empty(folder));
  ASSERT_OK(folders_.RemoveCheck(3));
  EXPECT_FALSE(fs::exists(folder));
  ASSERT_OK(folders_.RemoveCheck(3));
}

TEST_F(JobFoldersTest, RemovingFollowsNoLinks) {
  dir_.Write("outside/file", "text");
  ASSERT_OK(folders_.Make("m-1"));
  fs::create_directory_symlink(dir_ / "outside", dir_ / "jobs/m-1/link");
  fs::create_directory_symlink(dir_ / "outside", dir_ / "jobs/m-2");
  ASSERT_OK(folders_.Remove("m-1"));
  ASSERT_OK(folders_.Remove("m-2"));
  EXPECT_FALSE(fs::exists(dir_ / "jobs/m-1"));
  EXPECT_EQ(ReadText(dir_ / "outside/file"), "text");
}

TEST_F(JobFoldersTest, CleaningUpFollowsNoLinksAndLeavesOthersAlone) {
  ASSERT_OK(folders_.Make("kept"));
  ASSERT_OK(folders_.Make("deleted"));
  ASSERT_OK(JobFolders(dir_.path(), "other").Make("others"));
  ASSERT_OK(folders_.MakeForCheck(1));
  dir_.Write("jobs/jobs.db", "");
  dir_.Write("outside/owner", "owner1");
  fs::create_directory_symlink(dir_ / "outside", dir_ / "jobs/link");
  folders_.CleanUp([](const std::string& id) { return id == "kept"; });
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir_ / "jobs")) names.insert(entry.path().filename());
  EXPECT_EQ(names, (std::set<std::string>{"kept", "others", "jobs.db", "link"}));
  EXPECT_TRUE(fs::exists(dir_ / "outside/owner"));
}

TEST_F(JobFoldersTest, TheJobIsWrittenAsText) {
  v1::TrainJobSpec spec = testing::ScriptedJob("a \"b\"\n\xc3\xa4");
  spec.mutable_training()->mutable_optimizer()->set_learning_rate(0.1);
  ASSERT_OK_AND_ASSIGN(const std::string path, WriteJobFile(dir_.path(), spec));
  EXPECT_EQ(path, dir_ / "job.textproto");
  EXPECT_THAT(ReadText(path), HasSubstr("learning_rate: 0.1\n"));
}

class KeepVersionTest : public ::testing::Test {
 protected:
  const TempDir dir_;
};

TEST_F(KeepVersionTest, AVersionIsKeptWithWhatLiesBesideIt) {
  dir_.Write("m/3/net.onnx", "network");
  dir_.Write("m/3/weights/w.bin", "weights");
  dir_.Write("m/config.pbtxt", "not the version's");
  dir_.Write("outside", "secret");
  fs::create_symlink(dir_ / "outside", dir_ / "m/3/link");
  EXPECT_FALSE(FindKeptVersion(dir_ / "kept"));
  ASSERT_OK_AND_ASSIGN(const ServedModels::Version kept, KeepVersion({3, dir_ / "m/3/net.onnx"}, dir_ / "kept"));
  EXPECT_EQ(kept.version, 3);
  EXPECT_EQ(kept.path, dir_ / "kept/3/model.onnx");
  fs::remove_all(dir_ / "m");
  EXPECT_EQ(ReadText(kept.path), "network");
  EXPECT_EQ(ReadText(dir_ / "kept/3/weights/w.bin"), "weights");
  EXPECT_FALSE(fs::exists(fs::symlink_status(dir_ / "kept/3/link")));
  ASSERT_TRUE(FindKeptVersion(dir_ / "kept"));
  EXPECT_EQ(FindKeptVersion(dir_ / "kept")->version, 3);
  EXPECT_EQ(FindKeptVersion(dir_ / "kept")->path, kept.path);
}

TEST_F(KeepVersionTest, WhatIsThereStays) {
  dir_.Write("m/3/model.onnx", "first");
  ASSERT_OK(KeepVersion({3, dir_ / "m/3/model.onnx"}, dir_ / "kept"));
  fs::remove(dir_ / "m/3/model.onnx");
  dir_.Write("m/3/model.onnx", "second");
  ASSERT_OK(KeepVersion({3, dir_ / "m/3/model.onnx"}, dir_ / "kept"));
  EXPECT_EQ(ReadText(dir_ / "kept/3/model.onnx"), "first");
}

TEST_F(KeepVersionTest, AFileAloneIsKeptAlone) {
  dir_.Write("anywhere/model.onnx", "network");
  dir_.Write("anywhere/else", "large");
  ASSERT_OK(KeepVersion({1, dir_ / "anywhere/model.onnx"}, dir_ / "kept"));
  EXPECT_FALSE(fs::exists(dir_ / "kept/1/else"));
  fs::create_symlink(dir_ / "anywhere/model.onnx", dir_ / "link.onnx");
  ASSERT_OK(KeepVersion({2, dir_ / "link.onnx"}, dir_ / "kept"));
  fs::remove_all(dir_ / "anywhere");
  EXPECT_EQ(ReadText(dir_ / "kept/2/model.onnx"), "network") << "not the link";
}

TEST_F(KeepVersionTest, HalfACopyIsNone) {
  dir_.Write("m/3/model.onnx", "network");
  dir_.Write("kept/3.unfinished/model.onnx", "netw");
  EXPECT_FALSE(FindKeptVersion(dir_ / "kept"));
  ASSERT_OK(KeepVersion({3, dir_ / "m/3/model.onnx"}, dir_ / "kept"));
  EXPECT_EQ(ReadText(dir_ / "kept/3/model.onnx"), "network");
}

TEST_F(KeepVersionTest, WhatIsGoneOrEndlessIsRefused) {
  EXPECT_THAT(KeepVersion({3, dir_ / "m/3/model.onnx"}, dir_ / "kept"), StatusIs(absl::StatusCode::kNotFound));
  for (int i = 0; i <= 1000; ++i) dir_.Write(absl::StrCat("m/4/", i), "");
  EXPECT_THAT(KeepVersion({4, dir_ / "m/4/0"}, dir_ / "kept"), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_FALSE(FindKeptVersion(dir_ / "kept"));
}

}  // namespace
}  // namespace beak
