#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3;
struct sqlite3_stmt;

namespace beak {

// One run of a statement: bind in order, step through the rows, read columns from 0. Owned by a SqliteDatabase's user,
// and gone before it. *Thread-compatible.*
class SqliteStatement {
 public:
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&&) = delete;
  ~SqliteStatement();

  SqliteStatement& BindInt(int64_t value);
  SqliteStatement& BindText(const std::string& value);
  SqliteStatement& BindBlob(const std::string& value);

  // To the next row; false behind the last.
  absl::StatusOr<bool> Step();
  // Steps behind the last row.
  absl::Status Run();

  int64_t Int(int column) const;
  std::string Bytes(int column) const;  // text or blob
  bool IsNull(int column) const;

 private:
  friend class SqliteDatabase;
  SqliteStatement(sqlite3* database, sqlite3_stmt* statement, const std::string& place);

  void Keep(int code);

  sqlite3* const database_;
  sqlite3_stmt* statement_;
  const std::string& place_;  // the database's path
  int parameters_ = 0;        // bound so far
  int error_ = 0;             // the first of binding
};

// A SQLite database in a file, whose transactions are synced when they end (WAL, synchronous FULL).
// *Thread-compatible.*
//
// Errors name the path: DATA_LOSS where it is damaged or no database, RESOURCE_EXHAUSTED for a full disk or no memory,
// FAILED_PRECONDITION where it is read-only or cannot be opened, UNAVAILABLE where it is busy or the disk fails,
// ALREADY_EXISTS for a constraint.
class SqliteDatabase {
 public:
  // Made where it is not there.
  static absl::StatusOr<std::unique_ptr<SqliteDatabase>> Open(const std::string& path);
  ~SqliteDatabase();
  SqliteDatabase(const SqliteDatabase&) = delete;
  SqliteDatabase& operator=(const SqliteDatabase&) = delete;

  absl::StatusOr<SqliteStatement> Prepare(std::string_view sql) const;
  // Statements without parameters and rows.
  absl::Status Execute(const std::string& sql) const;
  // The only value of the only row.
  absl::StatusOr<int64_t> ReadInt(std::string_view sql) const;
  int64_t last_insert_id() const;
  int64_t changes() const;  // rows of the last statement

  const std::string& path() const { return path_; }

 private:
  SqliteDatabase(std::string path, sqlite3* database);

  const std::string path_;
  sqlite3* const database_;
};

// Everything from here to Commit happens, or nothing: undone at the end of its life unless it was committed.
// *Thread-compatible.*
class SqliteTransaction {
 public:
  static absl::StatusOr<SqliteTransaction> Begin(const SqliteDatabase& database);
  SqliteTransaction(SqliteTransaction&& other) noexcept;
  SqliteTransaction& operator=(SqliteTransaction&&) = delete;
  ~SqliteTransaction();

  // Synced on return.
  absl::Status Commit();

 private:
  explicit SqliteTransaction(const SqliteDatabase& database) : database_(&database) {}

  const SqliteDatabase* database_;  // null: committed, or moved from
};

// What the tables of a database are, as its whole history: script i brings a database of schema version i to i + 1.
struct SqliteSchema {
  uint32_t application_id = 0;  // of the program whose database it is
  std::vector<std::string> scripts;
};

// Checks that a database is whole and of this program, and runs the scripts that it lacks, each in a transaction.
// DATA_LOSS where it is damaged, has another application id, or a newer schema: "...: expected schema version at most
// 2, got 3".
absl::Status Migrate(const SqliteDatabase& database, const SqliteSchema& schema);

}  // namespace beak
