#include "server/models/manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/memory.h"
#include "engine/base/status.h"
#include "engine/base/thread.h"
#include "proto/inference/model_config.pb.h"
#include "server/models/config_override.h"
#include "server/models/repository.h"

namespace beak {
namespace {

constexpr int kMaxPasses = 4;

}  // namespace

absl::StatusOr<std::unique_ptr<ModelManager>> ModelManager::Create(const Options& options, Metrics& metrics,
                                                                   const Clock& clock, std::unique_ptr<Loader> loader) {
  ASSIGN_OR_RETURN(LoadJournal journal, LoadJournal::Open(options.state_dir));
  ASSIGN_OR_RETURN(OverrideStore store, OverrideStore::Open(options.state_dir));
  if (!loader) loader = Loader::CreateThreads(options.load_threads);
  std::unique_ptr<ModelManager> manager(
      new ModelManager(options, metrics, clock, std::move(loader), std::move(journal), std::move(store)));
  RETURN_IF_ERROR(manager->Prepare());
  return manager;
}

ModelManager::ModelManager(const Options& options, Metrics& metrics, const Clock& clock, std::unique_ptr<Loader> loader,
                           LoadJournal journal, OverrideStore store)
    : options_(options),
      metrics_(metrics),
      clock_(clock),
      memory_limit_(options.memory_limit_bytes > 0 ? options.memory_limit_bytes
                                                   : DefaultMemoryLimit(AvailableMemoryBytes())),
      loader_(std::move(loader)),
      journal_(std::move(journal)),
      store_(std::move(store)) {
  metrics_.SetMemoryLimit(memory_limit_);
}

absl::Status ModelManager::Prepare() {
  RETURN_IF_ERROR(CheckFiles());
  ReadOverrides();
  ASSIGN_OR_RETURN(disk_,
                   ScanDisk(options_.repository, options_.files, overrides_, {}, Trust::kAtOnce, options_.max_models));
  if (disk_.empty()) LogWarning("model repository is empty", {{"path", options_.repository}});
  RETURN_IF_ERROR(WishAtStart());
  Decide();
  Publish();
  ReportBare();
  return absl::OkStatus();
}

absl::Status ModelManager::CheckFiles() const {
  std::set<std::string> names;
  for (const ModelFile& file : options_.files) {
    RETURN_IF_ERROR(CheckModelName(file.name));
    if (!IsRegularFile(file.path)) {
      return absl::NotFoundError(absl::StrCat("model '", file.name, "': expected a file, got ", file.path));
    }
    const bool in_repository = !options_.repository.empty() && ScanModelFolder(options_.repository, file.name).ok();
    if (in_repository || !names.insert(file.name).second) {
      return absl::InvalidArgumentError(absl::StrCat("model '", file.name, "': expected once, got it twice"));
    }
  }
  return absl::OkStatus();
}

void ModelManager::ReadOverrides() {
  if (options_.mode != ControlMode::kExplicit) return;
  for (const auto& [model, json] : store_.all()) {
    absl::StatusOr<ConfigFile> config = ParseConfigJson(json);
    if (config.ok()) {
      overrides_[model] = *std::move(config);
    } else {
      LogWarning("configuration override ignored", {{"model", model}, {"reason", config.status().ToString()}});
    }
  }
}

absl::Status ModelManager::WishAtStart() {
  for (const ModelFile& file : options_.files) wishes_.insert(file.name);
  for (const std::string& name : options_.load_at_start) {
    if (name == "*") {
      for (const auto& [model, files] : disk_) wishes_.insert(model);
    } else if (disk_.count(name) == 1) {
      wishes_.insert(name);
    } else {
      return absl::NotFoundError(absl::StrCat("model '", name,
                                              "': expected it in the repository, for it is to be loaded "
                                              "at start"));
    }
  }
  return absl::OkStatus();
}

// ---------------------------------------------------------------- the thread

void ModelManager::Start(std::function<void()> first_load_done) {
  reconciler_ = StartThread("beak-models", [this, first_load_done = std::move(first_load_done)] {
    Run(first_load_done);
    Abandon();
  });
}

void ModelManager::Run(const std::function<void()>& first_load_done) {
  LoadAll(stop_);
  if (!first_load_done_) return;
  first_load_done();
  const bool polls = options_.mode == ControlMode::kPoll;
  if (polls) next_look_ = clock_.Now() + options_.poll_period;
  while (!mailbox_->closed()) {
    mailbox_->WaitUntil(std::min(next_look_, NextRetry()));
    if (mailbox_->closed()) return;
    if (clock_.Now() >= next_look_) {
      Look();
      next_look_ = clock_.Now() + options_.poll_period;
    }
    Step();
  }
}

void ModelManager::BeginStop() {
  stop_.Cancel();
  mailbox_->Close();
}

void ModelManager::Stop() {
  BeginStop();
  if (reconciler_.joinable()) reconciler_.join();
  // Loads that are running end soon and in order: the journal must not hold their end against them.
  loader_->Stop();
  Abandon();
}

void ModelManager::Abandon() {
  for (const Mailbox::Event& event : mailbox_->Take()) event();
  for (Waiter& waiter : std::exchange(waiters_, {})) waiter.done(absl::UnavailableError("the server is shutting down"));
  for (const auto& answer : std::exchange(answers_, {})) answer();
}

void ModelManager::LoadAll(const CancelToken& stop) {
  while (!stop.cancelled()) {
    Step();
    if (running_ == 0 && pending_.empty()) {
      first_load_done_ = true;
      if (changed_) changed_();
      return;
    }
    mailbox_->WaitUntil(kNever);
  }
}

void ModelManager::Look() {
  if (options_.mode != ControlMode::kPoll) return;
  absl::StatusOr<Disk> disk =
      ScanDisk(options_.repository, options_.files, overrides_, disk_, Trust::kWhenStill, options_.max_models);
  const std::string error = disk.ok() ? "" : disk.status().ToString();
  if (error != look_error_ && !disk.ok()) LogWarning("model repository cannot be read", {{"reason", error}});
  look_error_ = error;
  if (!disk.ok()) return;  // what is loaded stays as it is
  disk_ = *std::move(disk);
  for (auto& [key, slot] : slots_) slot.held.shown = slot.held.state == VersionState::kUnloaded;
}

void ModelManager::Step() {
  for (const Mailbox::Event& event : mailbox_->Take()) event();
  Decide();
  SubmitLoads();
  Publish();
  AnswerWaiters();
  for (const auto& answer : std::exchange(answers_, {})) answer();
}

// ---------------------------------------------------------------- decisions

RepositoryView ModelManager::View() const {
  RepositoryView view;
  view.mode = options_.mode;
  view.wishes = wishes_;
  for (const auto& [name, files] : disk_) view.disk[name] = files.state;
  for (const auto& [key, slot] : slots_) view.held[key.first][key.second] = slot.held;
  return view;
}

void ModelManager::Decide() {
  // One decision may make way for the next: a version that is gone is unloaded, then reported as missing.
  for (int pass = 0; pass < kMaxPasses; ++pass) {
    decided_at_ = clock_.Now();
    const std::vector<Action> actions = Reconcile(View(), decided_at_);
    if (actions.empty()) return;
    for (const Action& action : actions) Apply(action);
  }
}

void ModelManager::Apply(const Action& action) {
  const Key key(action.model, action.version);
  switch (action.kind) {
    case Action::kUnload:
      return ApplyUnload(key, action.reason);
    case Action::kForget:
      metrics_.SetVersionState(action.model, action.version, "");
      slots_.erase(key);
      dirty_ = true;
      return;
    case Action::kLoad:
    case Action::kReload:
      break;
  }
  const auto [found, is_new] = slots_.try_emplace(key);
  Slot& slot = found->second;
  if (is_new) {
    metrics_.SetVersionState(action.model, action.version, NameOf(slot.held.state));
    dirty_ = true;
  } else if (action.kind == Action::kLoad) {
    SetState(key, slot, VersionState::kLoading, "");
  }
  slot.held.attempt = Attempt::kUnderWay;
  pending_.push_back(key);
}

void ModelManager::ApplyUnload(const Key& key, const std::string& reason) {
  Slot& slot = slots_.at(key);
  const bool given_up = slot.held.attempt == Attempt::kUnderWay && !slot.running;
  if (given_up) {
    std::erase(pending_, key);
    slot.held.attempt = Attempt::kNone;
  }
  if (slot.held.serving()) {
    Retire(slot);
    SetState(key, slot, VersionState::kDraining, reason);
  } else if (slot.held.state == VersionState::kFailed || (given_up && slot.held.state == VersionState::kLoading)) {
    SetState(key, slot, VersionState::kUnloaded, reason);
  }
}

MonotonicTime ModelManager::NextRetry() const {
  // What was due at the last decision and has not been tried is not wanted.
  MonotonicTime next = kNever;
  for (const auto& [key, slot] : slots_) {
    const bool waits = slot.held.attempt == Attempt::kFailed && slot.held.retry_at > decided_at_;
    if (waits) next = std::min(next, slot.held.retry_at);
  }
  return next;
}

}  // namespace beak
