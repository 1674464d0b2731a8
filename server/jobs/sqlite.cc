#include "server/jobs/sqlite.h"

#include <sqlite3.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/status.h"

namespace beak {
namespace {

// Somebody who looks into the database with another program may hold it for a moment.
constexpr int kBusyMs = 5000;

absl::StatusCode CodeOf(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_FULL:
    case SQLITE_NOMEM:
    case SQLITE_TOOBIG:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return absl::StatusCode::kFailedPrecondition;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_IOERR:
      return absl::StatusCode::kUnavailable;
    case SQLITE_CONSTRAINT:
      return absl::StatusCode::kAlreadyExists;
    default:
      return absl::StatusCode::kInternal;
  }
}

absl::Status Error(const std::string& path, int code, const std::string& text) {
  return absl::Status(CodeOf(code), absl::StrCat("database '", path, "': ", text));
}

absl::Status LastError(const std::string& path, sqlite3* database) {
  return Error(path, sqlite3_extended_errcode(database), sqlite3_errmsg(database));
}

absl::Status CheckWhole(const SqliteDatabase& database) {
  ASSIGN_OR_RETURN(SqliteStatement check, database.Prepare("PRAGMA quick_check(1)"));
  ASSIGN_OR_RETURN(const bool row, check.Step());
  const std::string text = row ? check.Bytes(0) : "nothing";
  if (text == "ok") return absl::OkStatus();
  return Error(database.path(), SQLITE_CORRUPT, absl::StrCat("expected a whole database, got: ", text));
}

// True where nothing has been made in it yet.
absl::StatusOr<bool> IsNew(const SqliteDatabase& database) {
  ASSIGN_OR_RETURN(const int64_t things, database.ReadInt("SELECT count(*) FROM sqlite_schema"));
  ASSIGN_OR_RETURN(const int64_t application, database.ReadInt("PRAGMA application_id"));
  ASSIGN_OR_RETURN(const int64_t version, database.ReadInt("PRAGMA user_version"));
  return things == 0 && application == 0 && version == 0;
}

absl::Status CheckApplication(const SqliteDatabase& database, uint32_t expected) {
  ASSIGN_OR_RETURN(const bool is_new, IsNew(database));
  if (is_new) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t application, database.ReadInt("PRAGMA application_id"));
  if (static_cast<uint32_t>(application) == expected) return absl::OkStatus();
  return Error(database.path(), SQLITE_NOTADB,
               absl::StrCat("expected application id ", expected, ", got ", static_cast<uint32_t>(application),
                            ": it is of another program"));
}

}  // namespace

// ---------------------------------------------------------------- statement

SqliteStatement::SqliteStatement(sqlite3* database, sqlite3_stmt* statement, const std::string& place)
    : database_(database), statement_(statement), place_(place) {}

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept
    : database_(other.database_),
      statement_(std::exchange(other.statement_, nullptr)),
      place_(other.place_),
      parameters_(other.parameters_),
      error_(other.error_) {}

SqliteStatement::~SqliteStatement() { sqlite3_finalize(statement_); }

void SqliteStatement::Keep(int code) {
  if (error_ == SQLITE_OK) error_ = code;
}

SqliteStatement& SqliteStatement::BindInt(int64_t value) {
  Keep(sqlite3_bind_int64(statement_, ++parameters_, value));
  return *this;
}

SqliteStatement& SqliteStatement::BindText(const std::string& value) {
  Keep(sqlite3_bind_text64(statement_, ++parameters_, value.data(), value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

SqliteStatement& SqliteStatement::BindBlob(const std::string& value) {
  Keep(sqlite3_bind_blob64(statement_, ++parameters_, value.data(), value.size(), SQLITE_TRANSIENT));
  return *this;
}

absl::StatusOr<bool> SqliteStatement::Step() {
  if (error_ != SQLITE_OK) return Error(place_, error_, sqlite3_errstr(error_));
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return LastError(place_, database_);
}

absl::Status SqliteStatement::Run() {
  while (true) {
    ASSIGN_OR_RETURN(const bool row, Step());
    if (!row) return absl::OkStatus();
  }
}

int64_t SqliteStatement::Int(int column) const { return sqlite3_column_int64(statement_, column); }

std::string SqliteStatement::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), static_cast<size_t>(size));
}

bool SqliteStatement::IsNull(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

// ---------------------------------------------------------------- database

SqliteDatabase::SqliteDatabase(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {}

SqliteDatabase::~SqliteDatabase() { sqlite3_close(database_); }

absl::StatusOr<std::unique_ptr<SqliteDatabase>> SqliteDatabase::Open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  // There is a handle to close even where opening failed.
  std::unique_ptr<SqliteDatabase> database(new SqliteDatabase(path, handle));
  if (handle == nullptr) return Error(path, code, sqlite3_errstr(code));
  if (code != SQLITE_OK) return LastError(path, handle);
  sqlite3_busy_timeout(handle, kBusyMs);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  RETURN_IF_ERROR(
      database->Execute("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; "
                        "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL"));
  ASSIGN_OR_RETURN(SqliteStatement mode, database->Prepare("PRAGMA journal_mode = WAL"));
  ASSIGN_OR_RETURN(const bool row, mode.Step());
  if (row && mode.Bytes(0) == "wal") return database;
  return Error(path, SQLITE_CANTOPEN, "expected a file system that can keep a write-ahead log");
}

absl::StatusOr<SqliteStatement> SqliteDatabase::Prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  if (code != SQLITE_OK) return LastError(path_, database_);
  BEAK_CHECK(statement != nullptr);
  return SqliteStatement(database_, statement, path_);
}

absl::Status SqliteDatabase::Execute(const std::string& sql) const {
  if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return absl::OkStatus();
  return LastError(path_, database_);
}

absl::StatusOr<int64_t> SqliteDatabase::ReadInt(std::string_view sql) const {
  ASSIGN_OR_RETURN(SqliteStatement statement, Prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return Error(path_, SQLITE_CORRUPT, absl::StrCat("expected a row of ", std::string(sql), ", got none"));
  return statement.Int(0);
}

int64_t SqliteDatabase::last_insert_id() const { return sqlite3_last_insert_rowid(database_); }

int64_t SqliteDatabase::changes() const { return sqlite3_changes64(database_); }

// ---------------------------------------------------------------- transaction, schema

absl::StatusOr<SqliteTransaction> SqliteTransaction::Begin(const SqliteDatabase& database) {
  RETURN_IF_ERROR(database.Execute("BEGIN IMMEDIATE"));
  return SqliteTransaction(database);
}

SqliteTransaction::SqliteTransaction(SqliteTransaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

SqliteTransaction::~SqliteTransaction() {
  // Fails where SQLite has undone it already, as it does when the disk is full.
  if (database_ != nullptr) database_->Execute("ROLLBACK").IgnoreError();
}

absl::Status SqliteTransaction::Commit() {
  RETURN_IF_ERROR(database_->Execute("COMMIT"));
  database_ = nullptr;
  return absl::OkStatus();
}

absl::Status Migrate(const SqliteDatabase& database, const SqliteSchema& schema) {
  RETURN_IF_ERROR(CheckWhole(database));
  RETURN_IF_ERROR(CheckApplication(database, schema.application_id));
  ASSIGN_OR_RETURN(const int64_t version, database.ReadInt("PRAGMA user_version"));
  const int64_t newest = static_cast<int64_t>(schema.scripts.size());
  if (version < 0 || version > newest) {
    return Error(database.path(), SQLITE_NOTADB,
                 absl::StrCat("expected schema version at most ", newest, ", got ", version));
  }
  for (int64_t next = version + 1; next <= newest; ++next) {
    ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(database));
    RETURN_IF_ERROR(database.Execute(schema.scripts[next - 1]));
    // As a signed number: that is how SQLite reads it.
    RETURN_IF_ERROR(database.Execute(absl::StrCat(
        "PRAGMA user_version = ", next, "; PRAGMA application_id = ", static_cast<int32_t>(schema.application_id))));
    RETURN_IF_ERROR(transaction.Commit());
  }
  return absl::OkStatus();
}

}  // namespace beak
