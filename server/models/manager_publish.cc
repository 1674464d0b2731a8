// How the manager says what there is: states, snapshot, metrics.

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/log.h"
#include "server/models/manager.h"

namespace beak {
namespace {

constexpr int64_t kNoVersion = 0;  // in metrics

}  // namespace

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

bool ModelManager::ShowsWanted(const ModelSnapshot& shown) const {
  return std::all_of(disk_.begin(), disk_.end(), [&](const auto& model) {
    const auto entry = shown.models.find(model.first);
    return entry != shown.models.end() && entry->second.wanted == model.second.state.wanted;
  });
}

void ModelManager::Publish() {
  std::map<std::string, std::string> bare = WhyBare();
  if (!dirty_ && bare == bare_ && ShowsWanted(*snapshot())) return;
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
  for (auto& [name, entry] : next->models) {
    if (const auto files = disk_.find(name); files != disk_.end()) entry.wanted = files->second.state.wanted;
  }
  snapshot_.store(std::move(next));
  if (changed_) changed_();
}

void ModelManager::ReportBare() const {
  for (const auto& [model, reason] : bare_) {
    if (reason.empty()) continue;
    metrics_.SetVersionState(model, kNoVersion, NameOf(VersionState::kFailed));
    LogError("model failed to load", {{"model", model}, {"reason", reason}});
  }
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
