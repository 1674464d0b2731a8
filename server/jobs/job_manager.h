#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "proto/beak/v1/train.pb.h"
#include "server/observe/metrics.h"

namespace beak {

// What jobs need of the models that are served; the composition root gives it. *Thread-safe.*
class ServedModels {
 public:
  virtual ~ServedModels() = default;

  // A version that serves, and the folder it is in.
  struct Version {
    int64_t version = 0;
    std::string path;  // of its model file
  };
  // The newest version that serves, or `version`, where that does. NOT_FOUND where there is none, UNAVAILABLE where it
  // is on its way; FAILED_PRECONDITION where it has no model file of its own.
  virtual absl::StatusOr<Version> Find(const std::string& model, int64_t version) const = 0;
  // The versions of a model that must not be removed: those that serve, are being loaded or drained, or are pinned.
  virtual std::vector<int64_t> InUse(const std::string& model) const = 0;
  // A version has been put into the repository: look at it soon.
  virtual void Published(const std::string& model, int64_t version) = 0;
  // Whether the repository may hold versions of this model: INVALID_ARGUMENT for what cannot be a model's name,
  // FAILED_PRECONDITION where it is served from a file elsewhere.
  virtual absl::Status CheckPublishable(const std::string& model) const = 0;
};

// Told what becomes of a job, in order, on a thread of the manager's; must not block. *Thread-safe.*
class JobListener {
 public:
  virtual ~JobListener() = default;
  // First, and when its state changes; nothing comes once it has ended.
  virtual void OnJob(const v1::TrainJob& job) = 0;
  virtual void OnProgress(const v1::TrainProgress& progress) = 0;
  virtual void OnEpoch(const v1::EpochReport& epoch) = 0;
  virtual void OnNotice(const std::string& notice) = 0;
  // The manager ends: nothing comes any more.
  virtual void OnEnd(const absl::Status& status) = 0;
};

// Which jobs a list shows.
struct JobFilter {
  std::vector<v1::TrainJob::State> states;  // none: all
  std::string model;                        // empty: all
};

struct JobPage {
  std::vector<v1::TrainJob> jobs;  // newest first; without epochs, confusion and class scores
  std::string next_page_token;     // empty: this is the last
};

// The train jobs of a server: keeps them (SQLite below state_dir), runs each in a process of its own (beak-train), and
// publishes what they give. *Thread-safe*, but not to be called from where it calls: listeners, `done`.
class JobManager {
 public:
  struct Options {
    std::string state_dir;           // must be there, here and below
    std::string data_dir;            // nothing outside it is read
    std::string model_repository;    // where results are published
    std::string train_program;       // beak-train
    int max_running = 1;             // jobs at a time
    int max_queued = 100;            // that wait
    int threads = 1;                 // of a job that asks for none
    int64_t memory_limit_bytes = 0;  // of a job's process; 0: half of what this process may use, for all together
    std::string code_version;        // for lineage
    int cores = 0;                   // that lanes and jobs share; 0: those that this process may use

    std::chrono::nanoseconds check_limit = std::chrono::seconds(30);
    std::chrono::nanoseconds stop_patience = std::chrono::seconds(10);      // then a process that is to end is killed
    std::chrono::nanoseconds retry_delay = std::chrono::seconds(1);         // doubles from one failure to the next
    std::chrono::nanoseconds tell_period = std::chrono::milliseconds(500);  // of progress, to listeners
    std::chrono::nanoseconds store_period = std::chrono::seconds(5);        // of progress, to disk
  };

  // Takes the jobs over that an earlier process left: what ran goes on from its last checkpoint. FAILED_PRECONDITION
  // where another server has the state folder, DATA_LOSS where its database is damaged or newer than this program,
  // NOT_FOUND for a folder or program that is not there. The others must outlive it; `clock` must tell the time of the
  // real steady clock, with which threads wait.
  static absl::StatusOr<std::unique_ptr<JobManager>> Create(const Options& options, ServedModels& models,
                                                            Metrics& metrics, const Clock& clock);
  // Stops the processes of running jobs, which a later manager goes on with.
  virtual ~JobManager() = default;

  // Checks the whole job (in a process of its own, which takes up to half a minute) and queues it. `done` is called
  // once, on a thread of the manager's, or on this one. Errors as TrainService.CreateTrainJob says; with
  // `validate_only` the job that comes back has no id.
  virtual void CreateJob(const std::string& request_id, const v1::TrainJobSpec& spec, bool validate_only,
                         std::function<void(absl::StatusOr<v1::TrainJob>)> done) = 0;

  // NOT_FOUND for an id that there is not; here and below.
  virtual absl::StatusOr<v1::TrainJob> GetJob(const std::string& id) const = 0;
  // INVALID_ARGUMENT for a token that no page gave.
  virtual absl::StatusOr<JobPage> ListJobs(const JobFilter& filter, int page_size,
                                           const std::string& page_token) const = 0;
  // Tells the job as it is now, and what becomes of it while the listener lives.
  virtual absl::Status WatchJob(const std::string& id, std::weak_ptr<JobListener> listener) = 0;
  // The job as it is afterwards: its process may take a moment to end.
  virtual absl::StatusOr<v1::TrainJob> CancelJob(const std::string& id) = 0;
  virtual absl::Status DeleteJob(const std::string& id) = 0;

  // Lanes are busy with requests, or free again: running jobs pause while they need the cores. Cheap; called for each
  // change, on lanes.
  virtual void SetLanesBusy(int busy, int lanes) = 0;

  // Takes no new jobs, stops the processes and returns when none runs any more; listeners are told. Called once.
  virtual void Stop() = 0;
};

}  // namespace beak
