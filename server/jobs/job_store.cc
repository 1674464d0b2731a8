#include "server/jobs/job_store.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/jobs/job_row.h"
#include "server/jobs/job_schema.h"
#include "server/jobs/job_state.h"
#include "server/jobs/page_token.h"

namespace beak {
namespace {

constexpr int kMaxPage = 1000;
constexpr size_t kMaxRequestIdBytes = 255;

absl::Status NoSuchJob(const std::string& id) {
  return absl::NotFoundError(absl::StrCat("job '", id, "': expected a job of this server, got none"));
}

absl::Status CheckRequestId(const std::string& request_id) {
  if (request_id.size() <= kMaxRequestIdBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("request_id: expected at most ", kMaxRequestIdBytes, " bytes, got ", request_id.size()));
}

absl::StatusOr<FileLock> LockFolder(const std::string& folder, const std::string& state_dir) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::UnavailableError(absl::StrCat("state: cannot create ", folder, ": ", error.message()));
  absl::StatusOr<FileLock> lock = FileLock::TryFile(absl::StrCat(folder, "/lock"));
  if (lock.ok()) return lock;
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(absl::StrCat("state folder ", state_dir, ": another server uses it"));
  }
  return Annotate(lock.status(), "state");
}

absl::StatusOr<std::string> ReadOwner(const SqliteDatabase& database) {
  ASSIGN_OR_RETURN(SqliteStatement statement, database.Prepare("SELECT owner FROM store"));
  ASSIGN_OR_RETURN(const bool row, statement.Step());
  if (!row) return absl::DataLossError(absl::StrCat("database '", database.path(), "': expected its name, got none"));
  return statement.Bytes(0);
}

// What a list does not show.
void Shorten(v1::TrainJob* job) {
  if (!job->has_result()) return;
  job->mutable_result()->clear_confusion();
  job->mutable_result()->clear_class_score();
}

absl::StatusOr<SqliteStatement> SelectPage(const SqliteDatabase& database, const JobFilter& filter, int64_t below,
                                           int rows) {
  const std::set<v1::TrainJob::State> states(filter.states.begin(), filter.states.end());
  std::string sql = absl::StrCat(kSelectJob, "WHERE sequence < ?");
  if (!filter.model.empty()) sql += " AND model = ?";
  for (auto state = states.begin(); state != states.end(); ++state) {
    sql += state == states.begin() ? " AND state IN (?" : ", ?";
  }
  absl::StrAppend(&sql, states.empty() ? "" : ")", " ORDER BY sequence DESC LIMIT ?");
  ASSIGN_OR_RETURN(SqliteStatement statement, database.Prepare(sql));
  statement.BindInt(below);
  if (!filter.model.empty()) statement.BindText(filter.model);
  for (const v1::TrainJob::State state : states) statement.BindText(v1::TrainJob::State_Name(state));
  statement.BindInt(rows);
  return statement;
}

}  // namespace

JobStore::JobStore(FileLock lock, std::unique_ptr<SqliteDatabase> database, std::string owner)
    : lock_(std::move(lock)), owner_(std::move(owner)), database_(std::move(database)) {}

absl::StatusOr<std::unique_ptr<JobStore>> JobStore::Open(const std::string& state_dir) {
  const std::string folder = absl::StrCat(state_dir, "/jobs");
  ASSIGN_OR_RETURN(FileLock lock, LockFolder(folder, state_dir));
  ASSIGN_OR_RETURN(std::unique_ptr<SqliteDatabase> database, SqliteDatabase::Open(absl::StrCat(folder, "/jobs.db")));
  RETURN_IF_ERROR(Migrate(*database, JobSchema()));
  ASSIGN_OR_RETURN(std::string owner, ReadOwner(*database));
  return std::unique_ptr<JobStore>(new JobStore(std::move(lock), std::move(database), std::move(owner)));
}

absl::StatusOr<JobStore::Created> JobStore::Create(const NewJob& job) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(*database_));
  ASSIGN_OR_RETURN(std::optional<v1::TrainJob> before, Locate(job.request_id, job.spec));
  if (before) return Created{*std::move(before), false};
  ASSIGN_OR_RETURN(const int64_t queued, database_->ReadInt("SELECT count(*) FROM jobs WHERE state = 'QUEUED'"));
  if (queued >= job.max_queued) {
    return absl::ResourceExhaustedError(
        absl::StrCat("train jobs: expected at most ", job.max_queued, " that wait, got one more"));
  }
  ASSIGN_OR_RETURN(v1::TrainJob made, Insert(job));
  RETURN_IF_ERROR(transaction.Commit());
  return Created{std::move(made), true};
}

absl::StatusOr<v1::TrainJob> JobStore::Insert(const NewJob& job) {
  ASSIGN_OR_RETURN(SqliteStatement insert,
                   database_->Prepare("INSERT INTO jobs (id, request_id, model, spec, state, created_ms) "
                                      "VALUES ('', ?, ?, ?, 'QUEUED', ?)"));
  insert.BindText(job.request_id).BindText(job.spec.model()).BindBlob(SerializeSame(job.spec)).BindInt(job.created_ms);
  RETURN_IF_ERROR(insert.Run());
  const int64_t sequence = database_->last_insert_id();
  const std::string id = MakeJobId(job.spec.model(), sequence);
  ASSIGN_OR_RETURN(SqliteStatement name, database_->Prepare("UPDATE jobs SET id = ? WHERE sequence = ?"));
  name.BindText(id).BindInt(sequence);
  RETURN_IF_ERROR(name.Run());
  return Find(id);
}

absl::StatusOr<std::optional<v1::TrainJob>> JobStore::FindRequest(const std::string& request_id,
                                                                  const v1::TrainJobSpec& spec) const {
  MutexLock lock(mutex_);
  return Locate(request_id, spec);
}

absl::StatusOr<std::optional<v1::TrainJob>> JobStore::Locate(const std::string& request_id,
                                                             const v1::TrainJobSpec& spec) const {
  RETURN_IF_ERROR(CheckRequestId(request_id));
  if (request_id.empty()) return std::nullopt;
  // Its index is of those that are not empty.
  ASSIGN_OR_RETURN(SqliteStatement select,
                   database_->Prepare(absl::StrCat(kSelectJob, "WHERE request_id = ? AND request_id <> ''")));
  select.BindText(request_id);
  ASSIGN_OR_RETURN(const bool row, select.Step());
  if (!row) return std::nullopt;
  ASSIGN_OR_RETURN(v1::TrainJob job, ReadJobRow(select));
  if (SerializeSame(job.spec()) == SerializeSame(spec)) return job;
  return absl::AlreadyExistsError(absl::StrCat("request_id '", request_id, "': expected the spec of job '", job.id(),
                                               "', which it has made, got another"));
}

absl::StatusOr<v1::TrainJob> JobStore::Find(const std::string& id) const {
  ASSIGN_OR_RETURN(SqliteStatement select, database_->Prepare(absl::StrCat(kSelectJob, "WHERE id = ?")));
  select.BindText(id);
  ASSIGN_OR_RETURN(const bool row, select.Step());
  if (!row) return NoSuchJob(id);
  return ReadJobRow(select);
}

absl::StatusOr<v1::TrainJob> JobStore::Get(const std::string& id) const {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(v1::TrainJob job, Find(id));
  ASSIGN_OR_RETURN(SqliteStatement select,
                   database_->Prepare("SELECT report FROM epochs JOIN jobs ON job = sequence WHERE id = ? "
                                      "ORDER BY epoch"));
  select.BindText(id);
  while (true) {
    ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return job;
    if (!job.add_epoch()->ParseFromString(select.Bytes(0))) {
      return absl::DataLossError(absl::StrCat("job '", id, "': an epoch in the database cannot be understood"));
    }
  }
}

absl::StatusOr<JobPage> JobStore::List(const JobFilter& filter, int page_size, const std::string& page_token) const {
  ASSIGN_OR_RETURN(const int64_t below, ReadPageToken(filter, page_token));
  const int rows = std::clamp(page_size, 1, kMaxPage);
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(SqliteStatement select, SelectPage(*database_, filter, below, rows + 1));
  JobPage page;
  int64_t last = 0;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return page;
    if (static_cast<int>(page.jobs.size()) == rows) {
      page.next_page_token = MakePageToken(filter, last);
      return page;
    }
    ASSIGN_OR_RETURN(v1::TrainJob job, ReadJobRow(select));
    Shorten(&job);
    last = select.Int(kSequenceColumn);
    page.jobs.push_back(std::move(job));
  }
}

absl::StatusOr<std::vector<v1::TrainJob>> JobStore::LoadUnfinished() const {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(SqliteStatement select,
                   database_->Prepare(absl::StrCat(
                       kSelectJob, "WHERE state IN ('QUEUED', 'RUNNING', 'PUBLISHING') ORDER BY sequence")));
  std::vector<v1::TrainJob> jobs;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return jobs;
    ASSIGN_OR_RETURN(v1::TrainJob job, ReadJobRow(select));
    jobs.push_back(std::move(job));
  }
}

absl::StatusOr<std::map<v1::TrainJob::State, int64_t>> JobStore::CountByState() const {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(SqliteStatement select, database_->Prepare("SELECT state, count(*) FROM jobs GROUP BY state"));
  std::map<v1::TrainJob::State, int64_t> counts;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, select.Step());
    if (!row) return counts;
    v1::TrainJob::State state;
    if (v1::TrainJob::State_Parse(select.Bytes(0), &state)) counts[state] = select.Int(1);
  }
}

absl::StatusOr<v1::TrainJob> JobStore::SetState(const std::string& id, v1::TrainJob::State state,
                                                const std::string& reason, int64_t now_ms) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(*database_));
  ASSIGN_OR_RETURN(v1::TrainJob job, Find(id));
  if (!MayFollow(job.state(), state)) {
    return absl::FailedPreconditionError(
        absl::StrCat("job '", id, "': is ", NameOf(job.state()), " and cannot become ", NameOf(state)));
  }
  job.set_state(state);
  job.set_reason(reason);
  if (state == v1::TrainJob::RUNNING) job.set_attempts(job.attempts() + 1);
  if (state == v1::TrainJob::RUNNING && job.attempts() == 1) job.set_started_ms(now_ms);
  if (HasEnded(state)) job.set_ended_ms(now_ms);
  ASSIGN_OR_RETURN(SqliteStatement update,
                   database_->Prepare("UPDATE jobs SET state = ?, reason = ?, started_ms = ?, ended_ms = ?, "
                                      "attempts = ? WHERE id = ?"));
  update.BindText(v1::TrainJob::State_Name(state)).BindText(reason).BindInt(job.started_ms());
  update.BindInt(job.ended_ms()).BindInt(job.attempts()).BindText(id);
  RETURN_IF_ERROR(update.Run());
  RETURN_IF_ERROR(transaction.Commit());
  return job;
}

absl::Status JobStore::SetProgress(const std::string& id, const v1::TrainProgress& progress) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(SqliteStatement update, database_->Prepare("UPDATE jobs SET progress = ? WHERE id = ?"));
  update.BindBlob(progress.SerializeAsString()).BindText(id);
  return Change(id, &update);
}

absl::Status JobStore::AddEpoch(const std::string& id, const v1::EpochReport& epoch) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(SqliteStatement insert, database_->Prepare("INSERT OR REPLACE INTO epochs (job, epoch, report) "
                                                              "SELECT sequence, ?, ? FROM jobs WHERE id = ?"));
  insert.BindInt(epoch.epoch()).BindBlob(epoch.SerializeAsString()).BindText(id);
  return Change(id, &insert);
}

absl::Status JobStore::SetResult(const std::string& id, const v1::TrainResult& result) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(SqliteStatement update, database_->Prepare("UPDATE jobs SET result = ? WHERE id = ?"));
  update.BindBlob(result.SerializeAsString()).BindText(id);
  return Change(id, &update);
}

absl::Status JobStore::SetPublished(const std::string& id, int64_t version) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(SqliteStatement update, database_->Prepare("UPDATE jobs SET published_version = ? WHERE id = ?"));
  update.BindInt(version).BindText(id);
  return Change(id, &update);
}

absl::Status JobStore::Change(const std::string& id, SqliteStatement* statement) {
  RETURN_IF_ERROR(statement->Run());
  return database_->changes() == 0 ? NoSuchJob(id) : absl::OkStatus();
}

absl::Status JobStore::Delete(const std::string& id) {
  MutexLock lock(mutex_);
  ASSIGN_OR_RETURN(SqliteTransaction transaction, SqliteTransaction::Begin(*database_));
  ASSIGN_OR_RETURN(const v1::TrainJob job, Find(id));
  if (!HasEnded(job.state())) {
    return absl::FailedPreconditionError(
        absl::StrCat("job '", id, "': expected one that has ended, got one that is ", NameOf(job.state())));
  }
  ASSIGN_OR_RETURN(SqliteStatement statement, database_->Prepare("DELETE FROM jobs WHERE id = ?"));
  statement.BindText(id);
  RETURN_IF_ERROR(statement.Run());
  return transaction.Commit();
}

}  // namespace beak
