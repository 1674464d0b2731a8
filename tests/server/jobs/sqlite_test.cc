#include "server/jobs/sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::beak::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

class SqliteTest : public ::testing::Test {
 protected:
  std::string Path() const { return dir_ / "some.db"; }

  std::unique_ptr<SqliteDatabase> Open() {
    absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(Path());
    EXPECT_OK(database.status());
    return *std::move(database);
  }

  TempDir dir_;
};

TEST_F(SqliteTest, KeepsWhatIsBoundByteForByte) {
  const std::unique_ptr<SqliteDatabase> database = Open();
  const std::string bytes("a\0'\xff", 4);
  ASSERT_OK(database->Execute("CREATE TABLE t (n INTEGER, s TEXT, b BLOB)"));
  ASSERT_OK_AND_ASSIGN(SqliteStatement insert, database->Prepare("INSERT INTO t VALUES (?, ?, ?)"));
  ASSERT_OK(insert.BindInt(INT64_MIN).BindText("it's").BindBlob(bytes).Run());
  ASSERT_OK_AND_ASSIGN(SqliteStatement select, database->Prepare("SELECT n, s, b, NULL FROM t"));
  EXPECT_THAT(select.Step(), IsOkAndHolds(true));
  EXPECT_EQ(select.Int(0), INT64_MIN);
  EXPECT_EQ(select.Bytes(1), "it's");
  EXPECT_EQ(select.Bytes(2), bytes);
  EXPECT_FALSE(select.IsNull(2));
  EXPECT_TRUE(select.IsNull(3));
  EXPECT_THAT(select.Step(), IsOkAndHolds(false));
}

TEST_F(SqliteTest, AnEmptyBlobIsNotNull) {
  const std::unique_ptr<SqliteDatabase> database = Open();
  ASSERT_OK_AND_ASSIGN(SqliteStatement select, database->Prepare("SELECT ?"));
  select.BindBlob("");
  EXPECT_THAT(select.Step(), IsOkAndHolds(true));
  EXPECT_FALSE(select.IsNull(0));
}

TEST_F(SqliteTest, SyncsEachTransaction) {
  const std::unique_ptr<SqliteDatabase> database = Open();
  EXPECT_THAT(database->ReadInt("PRAGMA synchronous"), IsOkAndHolds(2));
  EXPECT_THAT(database->ReadInt("PRAGMA foreign_keys"), IsOkAndHolds(1));
  ASSERT_OK_AND_ASSIGN(SqliteStatement mode, database->Prepare("PRAGMA journal_mode"));
  EXPECT_THAT(mode.Step(), IsOkAndHolds(true));
  EXPECT_EQ(mode.Bytes(0), "wal");
}

TEST_F(SqliteTest, ATransactionIsUndoneUnlessCommitted) {
  const std::unique_ptr<SqliteDatabase> database = Open();
  ASSERT_OK(database->Execute("CREATE TABLE t (n INTEGER)"));
  {
    ASSERT_OK_AND_ASSIGN(SqliteTransaction transaction, SqliteTransaction::Begin(*database));
    ASSERT_OK(database->Execute("INSERT INTO t VALUES (1)"));
  }
  EXPECT_THAT(database->ReadInt("SELECT count(*) FROM t"), IsOkAndHolds(0));
  {
    ASSERT_OK_AND_ASSIGN(SqliteTransaction transaction, SqliteTransaction::Begin(*database));
    ASSERT_OK(database->Execute("INSERT INTO t VALUES (1)"));
    ASSERT_OK(transaction.Commit());
  }
  EXPECT_THAT(database->ReadInt("SELECT count(*) FROM t"), IsOkAndHolds(1));
}

TEST_F(SqliteTest, TellsAWrongStatementApart) {
  const std::unique_ptr<SqliteDatabase> database = Open();
  EXPECT_THAT(database->Prepare("SELEC 1").status(), StatusIs(absl::StatusCode::kInternal, HasSubstr("syntax error")));
  ASSERT_OK_AND_ASSIGN(SqliteStatement select, database->Prepare("SELECT 1"));
  EXPECT_THAT(select.BindInt(1).Step().status(), StatusIs(absl::StatusCode::kInternal, HasSubstr("out of range")));
}

TEST_F(SqliteTest, AConstraintIsToldAsWhatExists) {
  const std::unique_ptr<SqliteDatabase> database = Open();
  ASSERT_OK(database->Execute("CREATE TABLE t (n INTEGER UNIQUE); INSERT INTO t VALUES (1)"));
  EXPECT_THAT(database->Execute("INSERT INTO t VALUES (1)"), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST_F(SqliteTest, AFileOfSomethingElseIsNoDatabase) {
  dir_.Write("some.db", std::string(4096, 'x'));
  EXPECT_THAT(SqliteDatabase::Open(Path()).status(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Path())));
}

TEST_F(SqliteTest, AFolderIsNoDatabase) {
  std::filesystem::create_directory(Path());
  EXPECT_THAT(SqliteDatabase::Open(Path()).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(Path())));
}

TEST_F(SqliteTest, AFullDiskIsToldAndLeavesTheRestAsItWas) {
  const std::unique_ptr<SqliteDatabase> database = Open();
  ASSERT_OK(database->Execute("CREATE TABLE t (b BLOB); INSERT INTO t VALUES (1); PRAGMA max_page_count = 3"));
  {
    ASSERT_OK_AND_ASSIGN(SqliteTransaction transaction, SqliteTransaction::Begin(*database));
    EXPECT_THAT(database->Execute("INSERT INTO t VALUES (zeroblob(100000))"),
                StatusIs(absl::StatusCode::kResourceExhausted, AllOf(HasSubstr(Path()), HasSubstr("full"))));
  }
  EXPECT_THAT(database->ReadInt("SELECT count(*) FROM t"), IsOkAndHolds(1));
  EXPECT_OK(database->Execute("INSERT INTO t VALUES (2)"));
}

TEST_F(SqliteTest, WhatSomebodyElseHoldsIsUnavailable) {
  const std::unique_ptr<SqliteDatabase> database = Open();
  const std::unique_ptr<SqliteDatabase> other = Open();
  ASSERT_OK(database->Execute("PRAGMA busy_timeout = 0"));
  ASSERT_OK_AND_ASSIGN(SqliteTransaction transaction, SqliteTransaction::Begin(*other));
  EXPECT_THAT(SqliteTransaction::Begin(*database).status(), StatusIs(absl::StatusCode::kUnavailable));
}

// ---------------------------------------------------------------- schema

constexpr uint32_t kId = 0xdeadbeef;  // negative, as SQLite sees it
const SqliteSchema kFirst{kId, {"CREATE TABLE t (a INTEGER NOT NULL)"}};
const SqliteSchema kSecond{kId, {kFirst.scripts[0], "ALTER TABLE t ADD COLUMN b INTEGER NOT NULL DEFAULT 7"}};

TEST_F(SqliteTest, ANewDatabaseGetsTheWholeSchema) {
  const std::unique_ptr<SqliteDatabase> database = Open();
  ASSERT_OK(Migrate(*database, kSecond));
  EXPECT_THAT(database->ReadInt("PRAGMA user_version"), IsOkAndHolds(2));
  EXPECT_OK(database->Execute("INSERT INTO t (a, b) VALUES (1, 2)"));
  EXPECT_OK(Migrate(*database, kSecond));
}

TEST_F(SqliteTest, AnOlderDatabaseGetsWhatItLacksAndKeepsWhatItHolds) {
  {
    const std::unique_ptr<SqliteDatabase> database = Open();
    ASSERT_OK(Migrate(*database, kFirst));
    ASSERT_OK(database->Execute("INSERT INTO t VALUES (1)"));
  }
  const std::unique_ptr<SqliteDatabase> database = Open();
  ASSERT_OK(Migrate(*database, kSecond));
  EXPECT_THAT(database->ReadInt("PRAGMA user_version"), IsOkAndHolds(2));
  EXPECT_THAT(database->ReadInt("SELECT b FROM t WHERE a = 1"), IsOkAndHolds(7));
}

TEST_F(SqliteTest, AScriptThatFailsLeavesTheVersionBefore) {
  const std::unique_ptr<SqliteDatabase> database = Open();
  const SqliteSchema broken{kId, {kFirst.scripts[0], "CREATE TABLE u (a INTEGER); INSERT INTO nothing VALUES (1)"}};
  EXPECT_FALSE(Migrate(*database, broken).ok());
  EXPECT_THAT(database->ReadInt("PRAGMA user_version"), IsOkAndHolds(1));
  EXPECT_THAT(database->ReadInt("SELECT count(*) FROM sqlite_schema WHERE name = 'u'"), IsOkAndHolds(0));
  EXPECT_OK(Migrate(*database, kSecond));
}

TEST_F(SqliteTest, ANewerDatabaseIsRefusedAndLeftAsItIs) {
  {
    const std::unique_ptr<SqliteDatabase> database = Open();
    ASSERT_OK(Migrate(*database, kSecond));
  }
  const std::unique_ptr<SqliteDatabase> database = Open();
  EXPECT_THAT(Migrate(*database, kFirst),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("expected schema version at most 1, got 2")));
  EXPECT_THAT(database->ReadInt("PRAGMA user_version"), IsOkAndHolds(2));
}

TEST_F(SqliteTest, ANegativeVersionIsRefused) {
  const std::unique_ptr<SqliteDatabase> database = Open();
  ASSERT_OK(Migrate(*database, kFirst));
  ASSERT_OK(database->Execute("PRAGMA user_version = -1"));
  EXPECT_THAT(Migrate(*database, kFirst), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("got -1")));
}

TEST_F(SqliteTest, ADatabaseOfAnotherProgramIsRefused) {
  const std::unique_ptr<SqliteDatabase> database = Open();
  ASSERT_OK(database->Execute("CREATE TABLE bookmarks (a INTEGER)"));
  EXPECT_THAT(Migrate(*database, kFirst), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("of another program")));
  ASSERT_OK(database->Execute("PRAGMA application_id = 5"));
  EXPECT_THAT(Migrate(*database, kFirst), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("got 5")));
}

TEST_F(SqliteTest, DamageIsFoundBeforeAnythingIsDone) {
  {
    const std::unique_ptr<SqliteDatabase> database = Open();
    ASSERT_OK(Migrate(*database, kFirst));
    ASSERT_OK(database->Execute("CREATE INDEX i ON t (a)"));
    ASSERT_OK(
        database->Execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) "
                          "INSERT INTO t SELECT i FROM n"));
  }
  {
    std::fstream file(Path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3 * 4096);
    file << std::string(4096, '\x55');
  }
  const std::unique_ptr<SqliteDatabase> database = Open();
  EXPECT_THAT(Migrate(*database, kSecond), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Path())));
  EXPECT_THAT(database->ReadInt("PRAGMA user_version"), IsOkAndHolds(1));
}

}  // namespace
}  // namespace beak
