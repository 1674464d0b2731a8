#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "proto/beak/v1/train.pb.h"
#include "server/jobs/file_lock.h"
#include "server/jobs/job_manager.h"
#include "server/jobs/sqlite.h"

namespace beak {

// Keeps train jobs over the end of the process: a SQLite database, <state_dir>/jobs/jobs.db. What a function has
// written is synced when it returns. Times are milliseconds since 1970 and come from the caller. *Thread-safe*: one
// connection, behind one mutex.
//
// Errors of all functions: DATA_LOSS where the database is damaged, RESOURCE_EXHAUSTED where the disk is full,
// UNAVAILABLE where it cannot be read or written now, FAILED_PRECONDITION where it may not be. Nothing is written then.
class JobStore {
 public:
  // Makes folder and database where they are not there, and brings an older one up to date. FAILED_PRECONDITION where
  // another server uses `state_dir`; DATA_LOSS where the database is damaged, of another program, or newer than this.
  static absl::StatusOr<std::unique_ptr<JobStore>> Open(const std::string& state_dir);

  // Tells this database from all others, also from one that is made in its place: 16 hexadecimal digits. Ids of jobs
  // are unique only together with it.
  const std::string& owner() const { return owner_; }

  struct NewJob {
    std::string request_id;  // empty: no two are the same
    v1::TrainJobSpec spec;
    int64_t created_ms = 0;
    int64_t max_queued = INT64_MAX;  // jobs that may wait, this one included
  };
  struct Created {
    v1::TrainJob job;
    bool is_new = true;  // false: it is the one that an earlier call with this request_id made, as it is now
  };
  // A job that is QUEUED, with an id like "mnist-000012": of letters, digits, '_' and '-', at most 64, never used
  // again. ALREADY_EXISTS where the request_id was used for another spec, RESOURCE_EXHAUSTED where too many wait.
  absl::StatusOr<Created> Create(const NewJob& job);
  // The job that a request_id made, nothing where there is none (or it is empty). ALREADY_EXISTS as Create.
  absl::StatusOr<std::optional<v1::TrainJob>> FindRequest(const std::string& request_id,
                                                          const v1::TrainJobSpec& spec) const;

  // NOT_FOUND for an id that there is not; here and below.
  absl::StatusOr<v1::TrainJob> Get(const std::string& id) const;
  // `page_size` from 1. A page begins below the last job of the one before, whatever was added or deleted since.
  // INVALID_ARGUMENT for a token that no page of this filter gave.
  absl::StatusOr<JobPage> List(const JobFilter& filter, int page_size, const std::string& page_token) const;
  // Those that have not ended, oldest first; without epochs.
  absl::StatusOr<std::vector<v1::TrainJob>> LoadUnfinished() const;
  // Of every state that a job is in.
  absl::StatusOr<std::map<v1::TrainJob::State, int64_t>> CountByState() const;

  // Puts the job into another state, with a new reason, and returns it (without epochs). RUNNING counts an attempt, and
  // the first sets when it started. FAILED_PRECONDITION where the state may not follow (MayFollow).
  absl::StatusOr<v1::TrainJob> SetState(const std::string& id, v1::TrainJob::State state, const std::string& reason,
                                        int64_t now_ms);
  // Each is a sync of the disk: not for every step.
  absl::Status SetProgress(const std::string& id, const v1::TrainProgress& progress);
  // Takes the place of an earlier report of the same epoch.
  absl::Status AddEpoch(const std::string& id, const v1::EpochReport& epoch);
  absl::Status SetResult(const std::string& id, const v1::TrainResult& result);
  absl::Status SetPublished(const std::string& id, int64_t version);
  // Forgets it. FAILED_PRECONDITION before it has ended.
  absl::Status Delete(const std::string& id);

 private:
  JobStore(FileLock lock, std::unique_ptr<SqliteDatabase> database, std::string owner);

  absl::StatusOr<v1::TrainJob> Find(const std::string& id) const REQUIRES(mutex_);
  absl::StatusOr<std::optional<v1::TrainJob>> Locate(const std::string& request_id, const v1::TrainJobSpec& spec) const
      REQUIRES(mutex_);
  absl::StatusOr<v1::TrainJob> Insert(const NewJob& job) REQUIRES(mutex_);
  // Runs what changes one job; NOT_FOUND where it has changed none.
  absl::Status Change(const std::string& id, SqliteStatement* statement) REQUIRES(mutex_);

  const FileLock lock_;
  const std::string owner_;
  mutable Mutex mutex_;
  const std::unique_ptr<SqliteDatabase> database_ GUARDED_BY(mutex_);
};

}  // namespace beak
