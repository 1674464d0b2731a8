#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/mailbox.h"
#include "engine/base/mutex.h"
#include "proto/beak/v1/train.pb.h"
#include "server/jobs/job_folders.h"
#include "server/jobs/job_manager.h"
#include "server/jobs/job_state.h"
#include "server/jobs/job_store.h"
#include "server/jobs/job_watchers.h"
#include "server/jobs/pacer.h"
#include "server/jobs/publisher.h"
#include "server/jobs/run_verdict.h"
#include "server/jobs/train_commands.h"
#include "server/jobs/train_run.h"
#include "server/jobs/worker.h"
#include "server/observe/metrics.h"

namespace beak {

// Makes jobs go on: does what NextSteps says, listens to their processes, judges how these end, and has results
// published. What it knows of a job it has written down before anybody is told, so that its place can be taken at any
// moment. Everything happens on the thread that empties the mailbox, but for ShowProgress.
class Supervisor {
 public:
  struct Parts {
    JobStore& store;
    const JobFolders& folders;
    const Publisher& publisher;
    ServedModels& models;
    Metrics& metrics;
    Pacer& pacer;
    const Clock& clock;
    Worker& worker;  // for what takes long
    Mailbox& mailbox;
  };

  Supervisor(const JobManager::Options& options, const TrainSettings& settings, const Parts& parts);

  // Takes over what an earlier process left.
  absl::Status TakeOver();

  // See JobManager. Add's job has been checked.
  absl::StatusOr<v1::TrainJob> Add(const JobStore::NewJob& job);
  absl::StatusOr<v1::TrainJob> Cancel(const std::string& id);
  absl::Status Delete(const std::string& id);
  absl::Status Watch(const std::string& id, std::weak_ptr<JobListener> listener);

  // Does all that is due; to be called when something has happened, and at next_step.
  void Step();
  MonotonicTime next_step() const;

  // Nothing is begun any more, and processes are told to end.
  void BeginEnd() { ending_ = true; }
  // No process runs, and nothing is being published.
  bool idle() const;
  // Tells those who watch that it is over.
  void End(const absl::Status& status) { watchers_.End(status); }

  // How far the job is, which is newer than what is written down. *Thread-safe.*
  void ShowProgress(v1::TrainJob* job) const EXCLUDES(live_mutex_);

 private:
  // A process of a job, from its start until what its end means has been written down.
  struct Process {
    uint64_t number = 0;
    int64_t compares_with = 0;  // a version; 0: it trains
    bool asked = false;         // to end
    MonotonicTime kill_at = kNever;
    bool advanced = false;  // further than any process of the job before
    std::optional<v1::TrainFailure> failure;
    std::optional<v1::TrainResult> result;
    std::optional<RunEnd> end;
    std::chrono::nanoseconds paused_time{0};  // when it was last looked at
    std::unique_ptr<TrainRun> run;            // goes first; null where there could be none
  };
  struct Job {
    std::string id;
    std::string model;
    v1::TrainJob::State state = v1::TrainJob::QUEUED;
    std::optional<v1::ServedModel> served;  // that it begins with
    bool cancel = false;
    bool deleted = false;  // as soon as its process has ended its folder goes
    bool publishing = false;
    std::optional<absl::StatusOr<int64_t>> published;  // how that ended, until it has been written down
    std::optional<Process> process;

    MonotonicTime not_before = MonotonicTime::min();
    int failures = 0;  // in a row, without progress in between
    int waits = 0;     // in a row, for something that is not there yet
    int64_t farthest_step = 0;
    int64_t compared_with = 0;  // the version that the result's comparison is about
    int comparisons = 0;

    v1::TrainProgress progress;
    bool untold = false;
    bool unwritten = false;
    MonotonicTime next_tell = MonotonicTime::min();
    MonotonicTime next_write = MonotonicTime::min();
    MonotonicTime last_look = MonotonicTime::min();
    int64_t last_epoch = -1;                        // that listeners were told
    std::vector<v1::EpochReport> unwritten_epochs;  // the disk was full
    std::shared_ptr<TrainingObserver> observer;     // while it trains
  };

  static Job MakeJob(const v1::TrainJob& job);
  static int64_t NowMs();  // since 1970
  Job* Find(const std::string& id);
  std::vector<JobView> Views() const;

  // What is due. Errors are the store's: nothing has been changed, and it is tried again.
  absl::Status Advance();
  absl::StatusOr<bool> TakeOneStep();
  absl::StatusOr<bool> Take(JobAction action, Job& job);
  absl::Status ChangeState(Job& job, v1::TrainJob::State state, const std::string& reason);
  void EraseEnded();
  void RemoveFolder(const std::string& id);
  void CountJobs();

  // Processes.
  absl::StatusOr<bool> StartTraining(Job& job);
  void StartProcess(Job& job, const v1::TrainJobSpec& spec, const std::optional<ServedModels::Version>& compare);
  absl::StatusOr<TrainCommand> Prepare(const std::string& id, v1::TrainJobSpec spec, const TrainSettings& settings,
                                       const std::optional<ServedModels::Version>& compare) const;
  void AskToEnd(Process& process);
  void KillOverdue();
  absl::Status Settle(Job& job);
  absl::Status SettleProcess(Job& job);
  absl::Status SettleTraining(Job& job, const RunVerdict& verdict);
  absl::Status SettleComparison(Job& job, const RunVerdict& verdict);
  absl::Status TryAgain(Job& job, const RunVerdict& verdict);
  void Wait(Job& job, const std::string& reason);

  // What processes tell.
  void OnEvent(const std::string& id, uint64_t number, const v1::TrainEvent& event);
  void OnEnded(const std::string& id, uint64_t number, const RunEnd& end);
  void OnProgress(Job& job, const v1::TrainProgress& progress);
  void OnEpoch(Job& job, const v1::EpochReport& epoch);
  absl::Status WriteEpochs(Job& job);
  void LookAtProgress(Job& job);
  void LookWhetherPaused(Job& job, MonotonicTime now);
  void ProgressChanged(Job& job) EXCLUDES(live_mutex_);
  void FinishProgress(Job& job) EXCLUDES(live_mutex_);

  // Results.
  absl::StatusOr<bool> Publish(Job& job);
  absl::StatusOr<bool> Compare(Job& job, const v1::TrainJob& whole, const ServedModels::Version& version);
  void StartPublishing(Job& job, const v1::TrainJob& whole);
  absl::Status SettlePublication(Job& job);

  const JobManager::Options options_;
  const TrainSettings settings_;
  const Parts parts_;
  bool ending_ = false;
  std::list<Job> jobs_;  // that have not ended or whose process lives, oldest first
  JobWatchers watchers_;
  uint64_t last_process_ = 0;
  MonotonicTime blocked_until_ = MonotonicTime::min();  // the store could not be written
  std::string store_error_;                             // that has been logged

  mutable Mutex live_mutex_;
  std::map<std::string, v1::TrainProgress> live_ GUARDED_BY(live_mutex_);
};

}  // namespace beak
