#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/base/clock.h"
#include "engine/base/mailbox.h"
#include "engine/base/process.h"
#include "server/models/disk.h"
#include "server/models/load_journal.h"
#include "server/models/loader.h"
#include "server/models/memory_budget.h"
#include "server/models/override_store.h"
#include "server/models/reconcile.h"
#include "server/models/snapshot.h"
#include "server/observe/metrics.h"

namespace beak {

// Knows which models there are, makes what is loaded follow the repository and the operator's wishes, and publishes
// what can be served.
//
// One thread, the *reconciler*, is the only one that changes anything: the one that Start makes, or else the caller of
// LoadAll, Look and Step, one at a time. Loading runs on the Loader's threads. Load, Unload and what is const are
// *thread-safe*; readers share no lock with loading.
class ModelManager {
 public:
  struct Options {
    std::string repository;  // empty: none
    std::vector<ModelFile> files;
    int lanes = 1;  // that will run the models

    ControlMode mode = ControlMode::kPoll;
    std::chrono::nanoseconds poll_period = std::chrono::seconds(2);
    std::vector<std::string> load_at_start;  // kExplicit only; "*": all. Files are loaded in any case
    int load_threads = 1;
    // How often a load that failed for a reason that may pass is tried again, and how long after the first failure; it
    // doubles from one to the next.
    int load_retries = 2;
    std::chrono::nanoseconds retry_delay = std::chrono::seconds(1);
    int64_t memory_limit_bytes = 0;                           // 0: DefaultMemoryLimit of what the process may use
    std::function<int64_t()> resident_bytes = ResidentBytes;  // what the process holds
    std::string state_dir;                                    // what must outlive the process; empty: nothing does
    int64_t max_models = INT64_MAX;  // of the repository that are taken; the versions of others fail
  };
  // Hears how it went; called once, on the reconciler or, where nothing had to be done, on the caller's thread. Must
  // not block.
  using Done = std::function<void(const absl::Status&)>;

  // Looks at what is on disk and decides what will be loaded; loads nothing yet. An error where the repository, the
  // state or one of the files cannot be read, or a name is bad, unknown or given twice; an empty repository is only a
  // warning. `metrics` and `clock` must outlive it. Without a `loader` it makes its own.
  static absl::StatusOr<std::unique_ptr<ModelManager>> Create(const Options& options, Metrics& metrics,
                                                              const Clock& clock = Clock::Real(),
                                                              std::unique_ptr<Loader> loader = nullptr);
  ~ModelManager() { Stop(); }

  // Called after every change of the snapshot, without a lock held, on the reconciler. Set before anything is loaded.
  void OnChange(std::function<void()> changed) { changed_ = std::move(changed); }

  // Starts the reconciler: loads everything, tells `first_load_done` on its thread, and goes on to follow the
  // repository.
  void Start(std::function<void()> first_load_done);
  // Begins nothing from now on. Whoever waits for a load is told UNAVAILABLE soon; what is loaded stays. Thread-safe.
  void BeginStop();
  // The same, and returns when no thread of the manager runs any more.
  void Stop();

  // Mode kExplicit; else UNAVAILABLE. Reads the model's folder again, loads the versions that its policy wants, those
  // that failed included, and answers when all are ready or the first has failed. `config_json`: a configuration whose
  // fields replace those of config.pbtxt until the next call; kept in state_dir once the load has succeeded.
  // NOT_FOUND for a model that is not in the repository, INVALID_ARGUMENT for a bad configuration.
  void Load(const std::string& model, const std::optional<std::string>& config_json, Done done);
  // Mode kExplicit; else UNAVAILABLE. Answers when nothing new reaches the model; what it has runs on. NOT_FOUND.
  void Unload(const std::string& model, Done done);

  // A version of this model has just been put into the repository, whole: kPoll looks at once, and kExplicit reads the
  // model's folder again where the model is wished. Thread-safe; returns at once.
  void LookSoon(const std::string& model);

  // For those who do not Start. LoadAll: works until everything that was there at start has loaded or failed, or `stop`
  // is seen to be cancelled. Look: sees what has changed in the repository; mode kPoll only. Step: takes note of what
  // has happened and does what follows from it.
  void LoadAll(const CancelToken& stop);
  void Look();
  void Step();

  // True when everything that was there at start has loaded or failed.
  bool first_load_done() const { return first_load_done_.load(); }

  std::shared_ptr<const ModelSnapshot> snapshot() const { return snapshot_.load(); }

  // Brings gauges up to date that follow the versions' caches.
  void RefreshMetrics() const;

 private:
  using Key = std::pair<std::string, int64_t>;

  // A version, from when it is first wanted until there is nothing more to say about it.
  struct Slot {
    VersionHeld held;
    std::string reason;
    std::shared_ptr<const ModelVersion> version;  // held.serving() only
    bool running = false;                         // the attempt is with the loader
    absl::Status failure;                         // of the last attempt
    int failures = 0;                             // in a row, of the same files
    bool no_room = false;                         // it failed for want of memory alone
    int retired = 0;                              // objects that no longer serve and are still referred to
    int64_t retired_bytes = 0;
  };
  // Somebody who waits for a load.
  struct Waiter {
    std::string model;
    std::optional<std::string> config_json;
    Done done;
  };

  ModelManager(const Options& options, Metrics& metrics, const Clock& clock, std::unique_ptr<Loader> loader,
               LoadJournal journal, OverrideStore store);

  absl::Status Prepare();  // the part of Create that is no construction
  absl::Status CheckFiles() const;
  absl::Status WishAtStart();
  void ReadOverrides();
  void Run(const std::function<void()>& first_load_done);
  void Abandon();  // answers everybody who waits

  // What has been decided.
  void Decide();
  void Apply(const Action& action);
  void ApplyUnload(const Key& key, const std::string& reason);
  void SubmitLoads();
  absl::Status SubmitLoad(const Key& key, Slot& slot);
  RepositoryView View() const;
  MemoryUse Use() const;

  // What has happened.
  void Finish(const Key& key, int64_t estimate, absl::StatusOr<std::shared_ptr<const ModelVersion>> loaded);
  void Succeed(const Key& key, Slot& slot, std::shared_ptr<const ModelVersion> version);
  void Fail(const Key& key, Slot& slot, const absl::Status& status);
  void Retire(Slot& slot);
  void Released(const Key& key, int64_t bytes);
  std::shared_ptr<const ModelVersion> Track(const Key& key, std::shared_ptr<const ModelVersion> version);

  // What has been asked for.
  absl::Status CheckExplicit() const;
  void DoLoad(Waiter waiter, std::optional<ConfigFile> override);
  void DoUnload(const std::string& model, Done done);
  void DoLookSoon(const std::string& model);
  void AnswerWaiters();
  // Nullopt while the model is on its way.
  std::optional<absl::Status> Outcome(const std::string& model) const;
  absl::Status KeepOverride(const Waiter& waiter) const;

  // Takes a step in the chain of states; in metrics and log too.
  void SetState(const Key& key, Slot& slot, VersionState state, const std::string& reason);
  void Publish();
  bool ShowsWanted(const ModelSnapshot& shown) const;
  // Models of which no version is known, and why; no reason where nobody has asked for any.
  std::map<std::string, std::string> WhyBare() const;
  void ReportBare() const;  // at start
  MonotonicTime NextRetry() const;

  const Options options_;
  Metrics& metrics_;
  const Clock& clock_;
  const int64_t memory_limit_;
  std::function<void()> changed_;
  // Outlives the manager where a request still holds a version.
  const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  const std::unique_ptr<Loader> loader_;

  // Of the reconciler alone.
  LoadJournal journal_;
  const OverrideStore store_;
  Disk disk_;
  std::string look_error_;
  ConfigOverrides overrides_;
  std::set<std::string> wishes_;
  std::set<std::string> called_;  // of these, what a call asked for last: no retries, for the caller is told
  std::map<Key, Slot> slots_;
  std::deque<Key> pending_;  // loads that have not begun
  int running_ = 0;
  int64_t loading_bytes_ = 0;
  std::vector<Waiter> waiters_;
  std::vector<std::function<void()>> answers_;  // to be given once the snapshot shows what they say
  std::map<std::string, std::string> bare_;     // models without versions, and why
  MonotonicTime decided_at_;
  MonotonicTime next_look_ = kNever;
  bool dirty_ = false;  // the snapshot is behind

  CancelToken stop_;
  std::thread reconciler_;
  std::atomic<bool> first_load_done_{false};
  std::atomic<std::shared_ptr<const ModelSnapshot>> snapshot_{std::make_shared<const ModelSnapshot>()};
};

}  // namespace beak
