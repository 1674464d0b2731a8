#include "server/models/load_journal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

class LoadJournalTest : public ::testing::Test {
 protected:
  // What the next process sees; the one before it has ended where it was.
  LoadJournal Open() {
    auto journal = LoadJournal::Open(dir_ / "state");
    EXPECT_OK(journal);
    return *std::move(journal);
  }
  int Files() {
    int files = 0;
    for (const auto& entry : fs::directory_iterator(dir_ / "state/loads")) files += entry.is_regular_file();
    return files;
  }

  testing::TempDir dir_;
};

TEST_F(LoadJournalTest, TwoDeathsAreQuarantineUntilTheFilesChange) {
  for (int death = 1; death <= 2; ++death) {
    LoadJournal journal = Open();
    EXPECT_FALSE(journal.IsQuarantined("m", 3, 77));
    EXPECT_OK(journal.Begin("m", 3, 77));
  }
  for (int restart = 0; restart < 2; ++restart) {
    const LoadJournal journal = Open();
    EXPECT_TRUE(journal.IsQuarantined("m", 3, 77)) << "however often it is read";
    EXPECT_FALSE(journal.IsQuarantined("m", 3, 78));
    EXPECT_FALSE(journal.IsQuarantined("m", 4, 77));
  }
  LoadJournal repaired = Open();
  EXPECT_OK(repaired.Begin("m", 3, 78));
  EXPECT_FALSE(repaired.IsQuarantined("m", 3, 78));
  EXPECT_FALSE(Open().IsQuarantined("m", 3, 78)) << "one death of the new files";
}

TEST_F(LoadJournalTest, WhatTheProcessSurvivedIsForgotten) {
  for (int run = 0; run < 5; ++run) {
    LoadJournal journal = Open();
    EXPECT_OK(journal.Begin("m", 3, 77));
    EXPECT_EQ(Files(), 1);
    journal.End("m", 3);
    EXPECT_EQ(Files(), 0);
  }
  EXPECT_FALSE(Open().IsQuarantined("m", 3, 77));
}

TEST_F(LoadJournalTest, FilesThatMakeNoSenseAreIgnored) {
  EXPECT_OK(Open().Begin("m", 3, 77));
  const fs::path good = fs::directory_iterator(dir_ / "state/loads")->path();
  std::ifstream file(good);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (size_t length = 0; length < text.size(); ++length) {
    std::ofstream(good) << text.substr(0, length);
    EXPECT_FALSE(Open().IsQuarantined("m", 3, 77)) << length;
  }
  std::ofstream(good) << text << "more";
  EXPECT_FALSE(Open().IsQuarantined("m", 3, 77));
  std::ofstream(good) << std::string(1 << 20, 'x');
  EXPECT_FALSE(Open().IsQuarantined("m", 3, 77));
  std::ofstream(fs::path(good).replace_filename("0000.load")) << text;
  EXPECT_FALSE(Open().IsQuarantined("m", 3, 77)) << "an entry under another name";
}

TEST_F(LoadJournalTest, NamesMayBeAsLongAsAModelsMayBe) {
  const std::string name(255, 'n');
  for (int death = 0; death < 2; ++death) EXPECT_OK(Open().Begin(name, 1, 5));
  EXPECT_TRUE(Open().IsQuarantined(name, 1, 5));
}

TEST_F(LoadJournalTest, WithoutAFolderNothingIsKept) {
  auto journal = LoadJournal::Open("");
  ASSERT_OK(journal);
  EXPECT_OK(journal->Begin("m", 1, 5));
  journal->End("m", 1);
  EXPECT_FALSE(journal->IsQuarantined("m", 1, 5));
}

TEST_F(LoadJournalTest, AFolderThatCannotBeMadeIsAnError) {
  dir_.Write("state", "a file");
  EXPECT_FALSE(LoadJournal::Open(dir_ / "state").ok());
}

}  // namespace
}  // namespace beak
