#include "server/jobs/job_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "tests/server/jobs/trainer_support.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

namespace fs = std::filesystem;
using testing::ReadText;
using testing::TempDir;

TEST(JobLogTest, AppendsToWhatIsThere) {
  const TempDir dir;
  JobLog(dir / "log.txt").Append("one\n");
  JobLog(dir / "log.txt").Append("two\n");
  EXPECT_EQ(ReadText(dir / "log.txt"), "one\ntwo\n");
}

TEST(JobLogTest, TwoFilesStayBelowTheLimitWhateverComes) {
  const TempDir dir;
  JobLog log(dir / "log.txt", 1000);
  std::string all;
  for (int i = 0; i < 1000; ++i) {
    const std::string line = absl::StrCat("line ", i, "\n");
    all += line;
    log.Append(line);
    ASSERT_LE(ReadText(dir / "log.txt").size() + ReadText(dir / "log.txt.1").size(), 1000u);
  }
  const std::string kept = ReadText(dir / "log.txt.1") + ReadText(dir / "log.txt");
  EXPECT_GT(kept.size(), 500u);
  EXPECT_EQ(kept, all.substr(all.size() - kept.size())) << "the newest is kept, whole";
  log.Append(std::string(5000, 'x'));
  EXPECT_LE(ReadText(dir / "log.txt").size() + ReadText(dir / "log.txt.1").size(), 1000u);
}

TEST(JobLogTest, ALogThatIsFullAlreadyIsPutAsideFirst) {
  const TempDir dir;
  dir.Write("log.txt", std::string(800, 'x'));
  JobLog(dir / "log.txt", 1000).Append("new\n");
  EXPECT_EQ(ReadText(dir / "log.txt"), "new\n");
}

TEST(JobLogTest, KnowsTheLastLineWithSomethingOnIt) {
  const TempDir dir;
  JobLog log(dir / "log.txt");
  EXPECT_EQ(log.last_line(), "");
  log.Append("first\nsec");
  EXPECT_EQ(log.last_line(), "sec");
  log.Append("ond\r\n\n");
  EXPECT_EQ(log.last_line(), "second");
  log.Append("tab\t \xc3\xa4\n");
  EXPECT_EQ(log.last_line(), "tab? ??") << "it goes into messages";
  log.Append(std::string(10000, 'x'));
  EXPECT_EQ(log.last_line(), std::string(300, 'x'));
}

TEST(JobLogTest, WhatIsNoFileIsLeftAlone) {
  const TempDir dir;
  dir.Write("other.txt", "other");
  fs::create_symlink(dir / "other.txt", dir / "link");
  ASSERT_EQ(mkfifo((dir / "fifo").c_str(), 0600), 0);
  fs::create_directory(dir / "folder");
  for (const char* name : {"link", "fifo", "folder", "none/log.txt"}) {
    JobLog log(dir / name);
    log.Append("text\n");
    EXPECT_EQ(log.last_line(), "text") << name;
  }
  EXPECT_EQ(ReadText(dir / "other.txt"), "other");
}

}  // namespace
}  // namespace beak
