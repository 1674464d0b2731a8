// What operators ask the manager for.

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/models/config_override.h"
#include "server/models/manager.h"

namespace beak {
namespace {

// Clients look for these words.
absl::Status FailedToLoad(const std::string& model, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("failed to load '", model, "', ", status.message()));
}

const absl::Status& ShuttingDown() {
  static const auto* const kStatus = new absl::Status(absl::UnavailableError("the server is shutting down"));
  return *kStatus;
}

}  // namespace

absl::Status ModelManager::CheckExplicit() const {
  switch (options_.mode) {
    case ControlMode::kExplicit:
      return absl::OkStatus();
    case ControlMode::kPoll:
      return absl::UnavailableError(
          "explicit model load / unload is not allowed if polling is enabled (--model-control-mode=poll)");
    case ControlMode::kNone:
      break;
  }
  return absl::UnavailableError("explicit model load / unload is not allowed (--model-control-mode=none)");
}

void ModelManager::Load(const std::string& model, const std::optional<std::string>& config_json, Done done) {
  if (const absl::Status status = CheckExplicit(); !status.ok()) return done(status);
  std::optional<ConfigFile> override;
  if (config_json) {
    absl::StatusOr<ConfigFile> config = ParseConfigJson(*config_json);
    if (!config.ok()) return done(FailedToLoad(model, config.status()));
    override = *std::move(config);
  }
  const bool taken = mailbox_->PostUnlessClosed(
      [this, waiter = Waiter{model, config_json, done}, override] { DoLoad(waiter, override); });
  if (!taken) done(ShuttingDown());
}

void ModelManager::DoLoad(Waiter waiter, std::optional<ConfigFile> override) {
  const std::string& model = waiter.model;
  ConfigOverrides overrides = overrides_;
  overrides.erase(model);
  if (override) overrides[model] = *override;
  absl::StatusOr<ModelFiles> files =
      ScanModel(options_.repository, options_.files, model, overrides, disk_, options_.max_models);
  if (!files.ok()) {
    answers_.push_back([done = waiter.done, status = FailedToLoad(model, files.status())] { done(status); });
    return;
  }
  overrides_ = std::move(overrides);
  disk_[model] = *std::move(files);
  wishes_.insert(model);
  called_.insert(model);
  for (auto& [key, slot] : slots_) {
    if (key.first == model && slot.held.attempt == Attempt::kFailed) slot.held.attempt = Attempt::kNone;
  }
  if (override && !store_.durable()) {
    LogWarning("the configuration of this load ends with the process, for there is no --state-dir", {{"model", model}});
  }
  waiters_.push_back(std::move(waiter));
}

void ModelManager::Unload(const std::string& model, Done done) {
  if (const absl::Status status = CheckExplicit(); !status.ok()) return done(status);
  const bool taken = mailbox_->PostUnlessClosed([this, model, done] { DoUnload(model, done); });
  if (!taken) done(ShuttingDown());
}

void ModelManager::DoUnload(const std::string& model, Done done) {
  const auto slot = slots_.lower_bound({model, 0});
  const bool known = disk_.count(model) == 1 || (slot != slots_.end() && slot->first.first == model);
  if (!known) {
    answers_.push_back([done = std::move(done), model] {
      done(absl::NotFoundError(absl::StrCat("failed to unload '", model, "', no such model in the repository")));
    });
    return;
  }
  wishes_.erase(model);
  answers_.push_back([done = std::move(done)] { done(absl::OkStatus()); });
}

void ModelManager::LookSoon(const std::string& model) {
  mailbox_->PostUnlessClosed([this, model] { DoLookSoon(model); });
}

void ModelManager::DoLookSoon(const std::string& model) {
  if (options_.mode == ControlMode::kPoll) next_look_ = clock_.Now();
  if (options_.mode != ControlMode::kExplicit || wishes_.count(model) == 0) return;
  absl::StatusOr<ModelFiles> files =
      ScanModel(options_.repository, options_.files, model, overrides_, disk_, options_.max_models);
  if (!files.ok()) {
    LogWarning("model cannot be looked at", {{"model", model}, {"reason", files.status().ToString()}});
    return;
  }
  disk_[model] = *std::move(files);
}

std::optional<absl::Status> ModelManager::Outcome(const std::string& model) const {
  if (wishes_.count(model) == 0) return absl::UnavailableError("it was unloaded meanwhile");
  const ModelFiles& files = disk_.at(model);
  absl::Status first;
  for (const int64_t version : files.state.wanted) {
    const auto slot = slots_.find({model, version});
    if (slot == slots_.end() || slot->second.held.attempt == Attempt::kNone) return std::nullopt;
    const VersionHeld& held = slot->second.held;
    const auto disk = files.state.versions.find(version);
    const uint64_t fingerprint = disk == files.state.versions.end() ? 0 : disk->second.fingerprint;
    if (held.attempt == Attempt::kUnderWay || held.attempted != fingerprint) return std::nullopt;
    if (held.attempt == Attempt::kFailed)
      first.Update(Annotate(slot->second.failure, absl::StrCat("version ", version)));
  }
  if (!files.state.wanted.empty()) return first;
  return files.config_status.ok() ? absl::NotFoundError("expected folders of versions (1, 2 ...), got none")
                                  : files.config_status;
}

absl::Status ModelManager::KeepOverride(const Waiter& waiter) const {
  const absl::Status kept =
      waiter.config_json ? store_.Keep(waiter.model, *waiter.config_json) : store_.Drop(waiter.model);
  if (kept.ok()) return kept;
  return Annotate(kept, absl::StrCat("model '", waiter.model, "' is loaded, but not for after a restart"));
}

void ModelManager::AnswerWaiters() {
  std::vector<Waiter> waiting;
  for (Waiter& waiter : std::exchange(waiters_, {})) {
    const std::optional<absl::Status> outcome = Outcome(waiter.model);
    if (!outcome) {
      waiting.push_back(std::move(waiter));
      continue;
    }
    const absl::Status status = outcome->ok() ? KeepOverride(waiter) : FailedToLoad(waiter.model, *outcome);
    waiter.done(status);
  }
  waiters_ = std::move(waiting);
}

}  // namespace beak
