#include "server/models/manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "proto/inference/model_config.pb.h"
#include "server/models/version_policy.h"

namespace beak {
namespace {

constexpr int64_t kMaxConfigBytes = int64_t{1} << 20;
constexpr int64_t kFileVersion = 1;
constexpr int64_t kNoVersion = 0;  // in logs and metrics

absl::StatusOr<ConfigFile> ReadConfig(const std::string& folder) {
  const std::string path = absl::StrCat(folder, "/config.pbtxt");
  absl::StatusOr<std::string> text = ReadFile(path, kMaxConfigBytes);
  if (absl::IsNotFound(text.status())) return EmptyConfig();
  if (!text.ok()) return text.status();
  return ParseConfig(*text, path);
}

std::string NetworkFile(const ModelFolder& folder, int64_t version, const inference::ModelConfig& config) {
  const std::string& name = config.default_model_filename();
  return absl::StrCat(folder.path, "/", version, "/", name.empty() ? "model.onnx" : name);
}

void LogFailure(const std::string& model, int64_t version, const absl::Status& status) {
  LogError("model failed to load", {{"model", model}, {"version", version}, {"reason", status.ToString()}});
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModelManager>> ModelManager::Create(const Options& options, Metrics& metrics) {
  std::unique_ptr<ModelManager> manager(new ModelManager(options, metrics));
  auto snapshot = std::make_shared<ModelSnapshot>();
  RETURN_IF_ERROR(manager->Plan(snapshot.get()));
  manager->snapshot_.store(std::move(snapshot));
  return manager;
}

absl::Status ModelManager::Plan(ModelSnapshot* snapshot) {
  if (!options_.repository.empty()) {
    ASSIGN_OR_RETURN(const std::vector<ModelFolder> folders, ScanRepository(options_.repository));
    if (folders.empty()) LogWarning("model repository is empty", {{"path", options_.repository}});
    for (const ModelFolder& folder : folders) PlanFolder(folder, snapshot);
  }
  for (const ModelFile& file : options_.files) RETURN_IF_ERROR(PlanFile(file, snapshot));
  std::sort(planned_.begin(), planned_.end(), [](const VersionSource& a, const VersionSource& b) {
    return std::tie(a.model, a.version) < std::tie(b.model, b.version);
  });
  return absl::OkStatus();
}

void ModelManager::PlanFolder(const ModelFolder& folder, ModelSnapshot* snapshot) {
  ModelEntry& model = snapshot->models[folder.name];
  const absl::StatusOr<ConfigFile> read = ReadConfig(folder.path);
  const ConfigFile config = read.ok() ? *read : EmptyConfig();
  for (const int64_t version : SelectVersions(config.config->version_policy(), folder.versions)) {
    VersionEntry& entry = model.versions[version];
    if (!read.ok()) {
      Fail(folder.name, version, read.status(), &entry);
      continue;
    }
    metrics_.SetVersionState(folder.name, version, NameOf(entry.state));
    planned_.push_back({folder.name, version, NetworkFile(folder, version, *config.config), folder.path, config});
  }
  if (!model.versions.empty()) return;
  const absl::Status reason =
      read.ok() ? absl::NotFoundError("expected folders of versions (1, 2 ...), got none") : read.status();
  model.reason = reason.ToString();
  metrics_.SetVersionState(folder.name, kNoVersion, NameOf(VersionState::kFailed));
  LogFailure(folder.name, kNoVersion, reason);
}

absl::Status ModelManager::PlanFile(const ModelFile& file, ModelSnapshot* snapshot) {
  RETURN_IF_ERROR(CheckModelName(file.name));
  if (!IsRegularFile(file.path)) {
    return absl::NotFoundError(absl::StrCat("model '", file.name, "': expected a file, got ", file.path));
  }
  const auto [model, is_new] = snapshot->models.try_emplace(file.name);
  if (!is_new) return absl::InvalidArgumentError(absl::StrCat("model '", file.name, "': expected once, got it twice"));
  model->second.versions[kFileVersion];
  metrics_.SetVersionState(file.name, kFileVersion, NameOf(VersionState::kLoading));
  planned_.push_back({file.name, kFileVersion, file.path, "", EmptyConfig()});
  return absl::OkStatus();
}

void ModelManager::Fail(const std::string& model, int64_t version, const absl::Status& status, VersionEntry* entry) {
  LogFailure(model, version, status);
  metrics_.SetVersionState(model, version, NameOf(VersionState::kFailed));
  *entry = {VersionState::kFailed, status.ToString(), nullptr};
}

void ModelManager::LoadAll(const CancelToken& stop) {
  for (const VersionSource& source : planned_) {
    if (stop.cancelled()) return;
    Load(source);
  }
  planned_.clear();
  first_load_done_ = true;
  if (changed_) changed_();
}

void ModelManager::Load(const VersionSource& source) {
  const MonotonicTime begin = Clock::Real().Now();
  VersionEntry entry;
  absl::StatusOr<std::shared_ptr<const ModelVersion>> loaded = LoadVersion(source, options_.lanes, metrics_);
  if (loaded.ok()) {
    entry = {VersionState::kReady, "", *std::move(loaded)};
    LogInfo("model ready", {{"model", source.model},
                            {"version", source.version},
                            {"seconds", Seconds(Clock::Real().Now() - begin)},
                            {"weight_bytes", entry.version->weight_bytes()}});
  } else {
    Fail(source.model, source.version, loaded.status(), &entry);
  }
  Publish(source.model, source.version, std::move(entry));
}

void ModelManager::Publish(const std::string& model, int64_t version, VersionEntry entry) {
  auto next = std::make_shared<ModelSnapshot>(*snapshot_.load());
  VersionEntry& current = next->models[model].versions[version];
  BEAK_CHECK(MayFollow(current.state, entry.state));
  metrics_.SetVersionState(model, version, NameOf(entry.state));
  current = std::move(entry);
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
    }
  }
}

}  // namespace beak
