#include "server/models/manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
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

constexpr int64_t kNoVersion = 0;  // in metrics
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
      store_(std::move(store)) {}

absl::Status ModelManager::Prepare() {
  RETURN_IF_ERROR(CheckFiles());
  ReadOverrides();
  ASSIGN_OR_RETURN(disk_, ScanDisk(options_.repository, options_.files, overrides_, {}, Trust::kAtOnce));
  if (disk_.empty()) LogWarning("model repository is empty", {{"path", options_.repository}});
  RETURN_IF_ERROR(WishAtStart());
  Decide();
  Publish();
  for (const auto& [model, reason] : bare_) {
    if (reason.empty()) continue;
    metrics_.SetVersionState(model, kNoVersion, NameOf(VersionState::kFailed));
    LogError("model failed to load", {{"model", model}, {"reason", reason}});
  }
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
  MonotonicTime next_look = polls ? clock_.Now() + options_.poll_period : kNever;
  while (!mailbox_->closed()) {
    mailbox_->WaitUntil(std::min(next_look, NextRetry()));
    if (mailbox_->closed()) return;
    if (clock_.Now() >= next_look) {
      Look();
      next_look = clock_.Now() + options_.poll_period;
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
  // Loads that are running end as they would have: the journal must not hold their end against them.
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
  absl::StatusOr<Disk> disk = ScanDisk(options_.repository, options_.files, overrides_, disk_, Trust::kWhenStill);
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
    const std::vector<Action> actions = Reconcile(View(), clock_.Now());
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

void ModelManager::SetState(const Key& key, Slot& slot, VersionState state, const std::string& reason) {
  dirty_ = true;
  slot.reason = reason;
  if (state == slot.held.state) return;
  BEAK_CHECK(MayFollow(slot.held.state, state));
  slot.held.state = state;
  slot.held.shown = false;
  // What is unloaded has no series.
  metrics_.SetVersionState(key.first, key.second, state == VersionState::kUnloaded ? "" : NameOf(state));
  if (state == VersionState::kDraining || state == VersionState::kUnloaded) {
    LogInfo(absl::StrCat("model ", NameOf(state)), {{"model", key.first}, {"version", key.second}, {"reason", reason}});
  }
}

MonotonicTime ModelManager::NextRetry() const {
  // What is overdue is not wanted, or is decided about at the next step.
  const MonotonicTime now = clock_.Now();
  MonotonicTime next = kNever;
  for (const auto& [key, slot] : slots_) {
    if (slot.held.attempt == Attempt::kFailed && slot.held.retry_at > now) next = std::min(next, slot.held.retry_at);
  }
  return next;
}

// ---------------------------------------------------------------- what is published

std::map<std::string, std::string> ModelManager::WhyBare() const {
  std::map<std::string, std::string> bare;
  for (const auto& [name, files] : disk_) {
    const auto slot = slots_.lower_bound({name, 0});
    if (slot != slots_.end() && slot->first.first == name) continue;
    const bool wished = options_.mode != ControlMode::kExplicit || wishes_.count(name) == 1;
    std::string& reason = bare[name];
    if (!files.config_status.ok()) {
      reason = files.config_status.ToString();
    } else if (files.state.versions.empty()) {
      reason = absl::NotFoundError("expected folders of versions (1, 2 ...), got none").ToString();
    } else if (wished) {
      reason = "waiting until its files stand still";
    }
  }
  return bare;
}

void ModelManager::Publish() {
  std::map<std::string, std::string> bare = WhyBare();
  if (!dirty_ && bare == bare_) return;
  for (const auto& [name, reason] : bare_) {
    if (bare.count(name) == 0) metrics_.SetVersionState(name, kNoVersion, "");
  }
  bare_ = std::move(bare);
  dirty_ = false;
  auto next = std::make_shared<ModelSnapshot>();
  for (const auto& [name, reason] : bare_) next->models[name].reason = reason;
  for (const auto& [key, slot] : slots_) {
    next->models[key.first].versions[key.second] = {slot.held.state, slot.reason, slot.version};
  }
  snapshot_.store(std::move(next));
  if (changed_) changed_();
}

void ModelManager::RefreshMetrics() const {
  const std::shared_ptr<const ModelSnapshot> now = snapshot();
  for (const auto& [name, model] : now->models) {
    for (const auto& [number, entry] : model.versions) {
      if (!entry.version) continue;
      entry.version->observer().SetWeightBytes(entry.version->weight_bytes());
      entry.version->observer().SetPrograms(entry.version->num_programs());
      // Of the shapes used last: a label for each would have no bound.
      const auto programs = entry.version->AllPrograms();
      if (!programs.empty()) entry.version->observer().SetCosts(*programs.front()->costs().curve());
    }
  }
}

}  // namespace beak
