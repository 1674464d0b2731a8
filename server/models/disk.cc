#include "server/models/disk.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "proto/inference/model_config.pb.h"
#include "server/models/config_override.h"
#include "server/models/ensemble.h"
#include "server/models/fingerprint.h"
#include "server/models/repository.h"
#include "server/models/version_policy.h"

namespace beak {
namespace {

constexpr int64_t kMaxConfigBytes = int64_t{1} << 20;
constexpr int64_t kFileVersion = 1;

// Reads config.pbtxt where it is not the one that was read before.
void ReadConfig(const ModelFiles* before, ModelFiles* model) {
  const std::string path = absl::StrCat(model->folder, "/config.pbtxt");
  absl::StatusOr<std::string> text = ReadFile(path, kMaxConfigBytes);
  if (absl::IsNotFound(text.status())) text = "";
  if (before != nullptr) model->written = before->written;
  if (!text.ok()) {
    model->config_status = text.status();
    return;
  }
  model->config_text = *std::move(text);
  if (before != nullptr && before->config_status.ok() && before->config_text == model->config_text) return;
  absl::StatusOr<ConfigFile> config =
      model->config_text.empty() ? EmptyConfig() : ParseConfig(model->config_text, path);
  model->config_status = config.status();
  if (config.ok()) model->written = *std::move(config);
}

void ApplyOverrides(const std::string& name, const ConfigOverrides& overrides, ModelFiles* model) {
  const auto found = overrides.find(name);
  model->config = found == overrides.end() ? model->written : ApplyOverride(model->written, found->second);
}

std::string Serialize(const inference::ModelConfig& config) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  config.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

// What, beside a version's own folder, decides how it is served. The version policy does not.
uint64_t FingerprintSettings(const ModelFiles& model) {
  Fingerprint fingerprint;
  inference::ModelConfig config = *model.config.config;
  config.clear_version_policy();
  fingerprint.Add(Serialize(config));
  fingerprint.Add(static_cast<uint64_t>(model.config.has_max_batch_size));
  fingerprint.Add(model.config_status.ToString());
  for (const auto& output : config.output()) {
    if (!output.label_filename().empty()) {
      fingerprint.AddFile(absl::StrCat(model.folder, "/", output.label_filename()));
    }
  }
  if (config.model_warmup_size() > 0) {
    const absl::StatusOr<FolderPrint> warmup = FingerprintFolder(absl::StrCat(model.folder, "/warmup"));
    if (warmup.ok()) fingerprint.Add(warmup->fingerprint);
  }
  return fingerprint.value();
}

// How a version was when it was looked at before; null where it was not there.
const VersionOnDisk* VersionThen(const ModelFiles* before, int64_t version) {
  if (before == nullptr) return nullptr;
  const auto found = before->state.versions.find(version);
  return found == before->state.versions.end() ? nullptr : &found->second;
}

void AddVersion(int64_t version, const FolderPrint& print, uint64_t settings, const ModelFiles* before, Trust trust,
                ModelFiles* model) {
  Fingerprint fingerprint;
  fingerprint.Add(settings);
  fingerprint.Add(print.fingerprint);
  VersionOnDisk disk{fingerprint.value(), trust == Trust::kAtOnce};
  const VersionOnDisk* then = VersionThen(before, version);
  // An empty folder is on its way, but where there is nothing to come.
  const bool complete = print.files > 0 || DescribesEnsemble(*model->config.config);
  if (!disk.settled && then != nullptr && complete) disk.settled = then->fingerprint == disk.fingerprint;
  disk.counted = disk.settled || (then != nullptr && then->counted);
  model->state.versions[version] = disk;
  model->bytes[version] = print.bytes;
}

ModelFiles ScanFolder(const ModelFolder& folder, const ConfigOverrides& overrides, const ModelFiles* before,
                      Trust trust, const absl::Status& taken) {
  if (!folder.readable && before != nullptr) return *before;
  ModelFiles model;
  model.folder = folder.path;
  model.written = model.config = EmptyConfig();
  model.taken = taken.ok();
  model.config_status = taken;
  if (model.taken) ReadConfig(before, &model);
  ApplyOverrides(folder.name, overrides, &model);
  const uint64_t settings = FingerprintSettings(model);
  for (const int64_t version : folder.versions) {
    const absl::StatusOr<FolderPrint> print = FingerprintFolder(absl::StrCat(folder.path, "/", version));
    if (absl::IsNotFound(print.status())) continue;
    if (print.ok()) {
      AddVersion(version, *print, settings, before, trust, &model);
    } else if (const VersionOnDisk* then = VersionThen(before, version); then != nullptr) {
      model.state.versions[version] = *then;
      model.bytes[version] = before->bytes.at(version);
    } else {
      AddVersion(version, FolderPrint(), settings, before, trust, &model);  // loading it will say what is wrong
    }
  }
  std::vector<int64_t> counted;
  for (const auto& [version, disk] : model.state.versions) {
    if (disk.counted) counted.push_back(version);
  }
  model.state.wanted = SelectVersions(model.config.config->version_policy(), counted);
  return model;
}

ModelFiles ScanFile(const ModelFile& file, const ConfigOverrides& overrides, const ModelFiles* before, Trust trust) {
  ModelFiles model;
  model.file = file.path;
  model.written = EmptyConfig();
  ApplyOverrides(file.name, overrides, &model);
  model.state.wanted = {kFileVersion};
  struct stat info;
  if (stat(file.path.c_str(), &info) != 0) return model;
  Fingerprint fingerprint;
  fingerprint.AddFile(file.path);
  AddVersion(kFileVersion, {fingerprint.value(), info.st_size, 1}, FingerprintSettings(model), before, trust, &model);
  return model;
}

const ModelFiles* Find(const Disk& disk, const std::string& name) {
  const auto found = disk.find(name);
  return found == disk.end() ? nullptr : &found->second;
}

bool WasTaken(const Disk& before, const std::string& name) {
  const ModelFiles* files = Find(before, name);
  return files != nullptr && !files->folder.empty() && files->taken;
}

absl::Status TooMany(int64_t max_models) {
  return absl::ResourceExhaustedError(
      absl::StrCat("model repository: expected at most ", max_models, " models (--max-models), got more"));
}

// Models of the repository that were taken and are still there keep their places; the others get what is left.
int64_t PlacesLeft(const std::vector<ModelFolder>& folders, const Disk& before, int64_t max_models) {
  return max_models - std::count_if(folders.begin(), folders.end(),
                                    [&](const ModelFolder& folder) { return WasTaken(before, folder.name); });
}

}  // namespace

absl::StatusOr<Disk> ScanDisk(const std::string& repository, const std::vector<ModelFile>& files,
                              const ConfigOverrides& overrides, const Disk& before, Trust trust, int64_t max_models) {
  Disk disk;
  if (!repository.empty()) {
    const BadNames bad_names = trust == Trust::kAtOnce ? BadNames::kRefuse : BadNames::kPassOver;
    ASSIGN_OR_RETURN(const std::vector<ModelFolder> folders, ScanRepository(repository, bad_names));
    int64_t places = PlacesLeft(folders, before, max_models);
    for (const ModelFolder& folder : folders) {
      const bool taken = WasTaken(before, folder.name) || places-- > 0;
      disk[folder.name] = ScanFolder(folder, overrides, Find(before, folder.name), trust,
                                     taken ? absl::OkStatus() : TooMany(max_models));
    }
  }
  for (const ModelFile& file : files) disk[file.name] = ScanFile(file, overrides, Find(before, file.name), trust);
  return disk;
}

absl::StatusOr<ModelFiles> ScanModel(const std::string& repository, const std::vector<ModelFile>& files,
                                     const std::string& name, const ConfigOverrides& overrides, const Disk& before,
                                     int64_t max_models) {
  for (const ModelFile& file : files) {
    if (file.name == name) return ScanFile(file, overrides, Find(before, name), Trust::kAtOnce);
  }
  if (repository.empty()) return absl::NotFoundError("no such model");
  ASSIGN_OR_RETURN(const ModelFolder folder, ScanModelFolder(repository, name));
  // Nobody looks at all folders where models are loaded by calls, so what has gone is still in `before`.
  const auto others = std::count_if(before.begin(), before.end(), [&](const auto& model) {
    std::error_code error;
    return model.first != name && WasTaken(before, model.first) &&
           std::filesystem::is_directory(model.second.folder, error);
  });
  return ScanFolder(folder, overrides, Find(before, name), Trust::kAtOnce,
                    others < max_models ? absl::OkStatus() : TooMany(max_models));
}

absl::StatusOr<VersionSource> SourceOf(const std::string& model, const ModelFiles& files, int64_t version) {
  RETURN_IF_ERROR(files.config_status);
  RETURN_IF_ERROR(Annotate(CheckFileNames(*files.config.config), "configuration"));
  if (files.folder.empty()) return VersionSource{model, version, files.file, "", files.config, ""};
  const std::string& name = files.config.config->default_model_filename();
  const std::string folder = absl::StrCat(files.folder, "/", version);
  return VersionSource{model,        version,      absl::StrCat(folder, "/", name.empty() ? "model.onnx" : name),
                       files.folder, files.config, folder};
}

}  // namespace beak
