#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/jobs/job_schema.h"
#include "server/jobs/job_store.h"
#include "server/jobs/sqlite.h"
#include "tests/server/jobs/job_store_fixture.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::beak::testing::TempDir;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class JobDatabaseTest : public testing::JobStoreFixture {};

TEST_F(JobDatabaseTest, ASecondServerIsRefused) {
  EXPECT_THAT(JobStore::Open(dir_.path()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       absl::StrCat("state folder ", dir_.path(), ": another server uses it")));
  store_.reset();
  EXPECT_OK(JobStore::Open(dir_.path()));
}

TEST_F(JobDatabaseTest, EachDatabaseHasANameOfItsOwn) {
  const std::string owner = store_->owner();
  EXPECT_THAT(owner, MatchesRegex("[0-9a-f]{16}"));
  Reopen();
  EXPECT_EQ(store_->owner(), owner);
  const TempDir other;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<JobStore> store, JobStore::Open(other.path()));
  EXPECT_NE(store->owner(), owner);
}

TEST_F(JobDatabaseTest, AnAcknowledgedJobSurvivesAKilledProcess) {
  Add("a");
  // What a killed process leaves: the database and its log, as they were when Create returned.
  const TempDir other;
  std::filesystem::create_directory(other / "jobs");
  for (const char* name : {"jobs.db", "jobs.db-wal"}) {
    std::filesystem::copy_file(dir_ / ("jobs/" + std::string(name)), other / ("jobs/" + std::string(name)));
  }
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<JobStore> store, JobStore::Open(other.path()));
  EXPECT_OK(store->Get("a-000001"));
}

TEST_F(JobDatabaseTest, ADatabaseThatIsNoneIsDataLoss) {
  store_.reset();
  for (const char* log : {"jobs.db-wal", "jobs.db-shm"}) std::filesystem::remove(dir_ / ("jobs/" + std::string(log)));
  std::ofstream(Database(), std::ios::binary | std::ios::trunc) << std::string(8192, 'x');
  EXPECT_THAT(JobStore::Open(dir_.path()), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Database())));
}

TEST_F(JobDatabaseTest, ADamagedDatabaseIsDataLossWhereverTheDamageIs) {
  for (int i = 0; i < 80; ++i) Add();
  store_.reset();
  const int64_t size = static_cast<int64_t>(std::filesystem::file_size(Database()));
  std::ifstream file(Database(), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_EQ(static_cast<int64_t>(whole.size()), size);
  for (int64_t page = 0; page < size / 4096; ++page) {
    std::string damaged = whole;
    damaged.replace(page * 4096, 64, std::string(64, '\x7f'));
    std::ofstream(Database(), std::ios::binary | std::ios::trunc) << damaged;
    EXPECT_THAT(JobStore::Open(dir_.path()), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Database())))
        << "page " << page;
  }
  std::ofstream(Database(), std::ios::binary | std::ios::trunc) << whole.substr(0, size / 2);
  EXPECT_THAT(JobStore::Open(dir_.path()), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Database())));
}

TEST_F(JobDatabaseTest, ANewerDatabaseIsDataLoss) {
  store_.reset();
  const int64_t newest = static_cast<int64_t>(JobSchema().scripts.size());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SqliteDatabase> database, SqliteDatabase::Open(Database()));
  ASSERT_OK(database->Execute(absl::StrCat("PRAGMA user_version = ", newest + 1)));
  EXPECT_THAT(JobStore::Open(dir_.path()),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat("expected schema version at most ", newest, ", got ", newest + 1))));
}

TEST_F(JobDatabaseTest, ARowThatCannotBeUnderstoodIsDataLoss) {
  const std::string id = Add();
  store_.reset();
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SqliteDatabase> database, SqliteDatabase::Open(Database()));
    ASSERT_OK(database->Execute("UPDATE jobs SET spec = x'ff'"));
  }
  Reopen();
  EXPECT_THAT(store_->Get(id), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("job 'mnist-000001': its spec")));
  store_.reset();
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SqliteDatabase> database, SqliteDatabase::Open(Database()));
    ASSERT_OK(database->Execute("UPDATE jobs SET spec = x'', state = 'DREAMING'"));
  }
  Reopen();
  EXPECT_THAT(store_->Get(id), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("its state")));
}

TEST_F(JobDatabaseTest, AStateFolderThatIsAFileIsRefused) {
  const std::string path = dir_.Write("file", "");
  EXPECT_THAT(JobStore::Open(path), StatusIs(absl::StatusCode::kUnavailable, HasSubstr(path)));
}

}  // namespace
}  // namespace beak
