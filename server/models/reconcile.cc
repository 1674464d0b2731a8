#include "server/models/reconcile.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "absl/strings/str_cat.h"

namespace beak {
namespace {

using Held = std::map<int64_t, VersionHeld>;

// One model, as it is looked at.
struct ModelView {
  const std::string& name;
  const ModelOnDisk* disk = nullptr;  // null: not in the repository
  const Held& held;
  bool wished = false;

  bool Has(int64_t version) const { return disk != nullptr && disk->versions.count(version) == 1; }
  bool Wants(int64_t version) const {
    return wished && disk != nullptr && std::binary_search(disk->wanted.begin(), disk->wanted.end(), version);
  }
};

bool IsDue(const VersionOnDisk& disk, const VersionHeld& held, MonotonicTime now) {
  if (held.attempt == Attempt::kUnderWay) return false;
  if (held.attempt == Attempt::kNone || held.attempted != disk.fingerprint) return disk.settled;
  if (held.attempt == Attempt::kFailed) return now >= held.retry_at;
  return !held.serving();  // it was unloaded since
}

void AddLoads(const ModelView& model, MonotonicTime now, std::vector<Action>* actions) {
  if (!model.wished || model.disk == nullptr) return;
  for (const int64_t version : model.disk->wanted) {
    // That a version is not there can be told at once.
    const auto found = model.disk->versions.find(version);
    const VersionOnDisk disk = model.Has(version) ? found->second : VersionOnDisk{0, true};
    const auto held = model.held.find(version);
    if (held == model.held.end() ? !disk.settled : !IsDue(disk, held->second, now)) continue;
    const bool serving = held != model.held.end() && held->second.serving();
    if (serving && !model.Has(version)) continue;  // first it goes
    actions->push_back({serving ? Action::kReload : Action::kLoad, model.name, version, ""});
  }
}

// Wanted versions that do not serve.
struct Missing {
  int all = 0;
  int on_their_way = 0;  // of these, those that are there and have not failed
};

Missing CountMissing(const ModelView& model) {
  Missing missing;
  if (!model.wished || model.disk == nullptr) return missing;
  for (const int64_t version : model.disk->wanted) {
    const auto held = model.held.find(version);
    const bool known = held != model.held.end();
    if (known && held->second.serving() && model.Has(version)) continue;
    ++missing.all;
    missing.on_their_way += model.Has(version) && !(known && held->second.attempt == Attempt::kFailed);
  }
  return missing;
}

std::string WhyUnloaded(const ModelView& model, int64_t version) {
  if (!model.wished && model.disk != nullptr) return "unloaded";
  if (!model.Has(version)) return "removed from the repository";
  if (model.disk->wanted.empty()) return "not selected by the version policy";
  return absl::StrCat("replaced by version ", model.disk->wanted.back());
}

// Nothing serves or is on its way, and neither repository nor operator knows of it.
bool IsForgettable(const ModelView& model, int64_t version, const VersionHeld& held) {
  if (held.draining || held.attempt == Attempt::kUnderWay) return false;
  if (held.state == VersionState::kFailed) return model.wished || !model.Has(version);
  return held.state == VersionState::kUnloaded && held.shown && !model.Has(version);
}

void AddUnloads(const ModelView& model, std::vector<Action>* actions) {
  const Missing missing = CountMissing(model);
  int stand_ins = 0;
  std::vector<Action> falling;
  for (auto it = model.held.rbegin(); it != model.held.rend(); ++it) {
    const auto& [version, held] = *it;
    const bool wanted = model.Wants(version) && (model.Has(version) || !held.serving());
    if (wanted) continue;
    const int most = model.Has(version) ? missing.all : missing.on_their_way;
    if (held.serving() && stand_ins < most) {
      ++stand_ins;
      continue;
    }
    const bool under_way = held.attempt == Attempt::kUnderWay;
    const bool failed_and_unwished = held.state == VersionState::kFailed && !model.wished && model.Has(version);
    if (held.serving() || under_way || failed_and_unwished) {
      falling.push_back({Action::kUnload, model.name, version, WhyUnloaded(model, version)});
    } else if (IsForgettable(model, version, held)) {
      falling.push_back({Action::kForget, model.name, version, ""});
    }
  }
  actions->insert(actions->end(), falling.rbegin(), falling.rend());
}

}  // namespace

std::vector<Action> Reconcile(const RepositoryView& view, MonotonicTime now) {
  std::set<std::string> names;
  for (const auto& [name, disk] : view.disk) names.insert(name);
  for (const auto& [name, held] : view.held) names.insert(name);
  static const Held kNothing;
  std::vector<Action> actions;
  for (const std::string& name : names) {
    const auto disk = view.disk.find(name);
    const auto held = view.held.find(name);
    const ModelView model{name, disk == view.disk.end() ? nullptr : &disk->second,
                          held == view.held.end() ? kNothing : held->second,
                          view.mode != ControlMode::kExplicit || view.wishes.count(name) == 1};
    AddLoads(model, now, &actions);
    AddUnloads(model, &actions);
  }
  return actions;
}

}  // namespace beak
