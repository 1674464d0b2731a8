#include "server/jobs/publisher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/jobs/durable_files.h"
#include "server/jobs/file_lock.h"
#include "server/jobs/publication_record.h"

namespace beak {
namespace {

constexpr size_t kMaxNameBytes = 255;
constexpr const char* kLabels = "labels.txt";
constexpr const char* kConfig = "config.pbtxt";
constexpr int64_t kTries = 100;  // numbers that somebody else takes while we look

absl::Status CheckModel(const std::string& model) {
  const bool printable =
      std::all_of(model.begin(), model.end(), [](char c) { return c > ' ' && c <= '~' && c != '/'; });
  if (printable && !model.empty() && model.front() != '.' && model.size() <= kMaxNameBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("model name: expected 1 to ", kMaxNameBytes,
                                                 " printable characters without blanks and slashes, and no dot in "
                                                 "front, got '",
                                                 model, "'"));
}

absl::Status CheckResult(const std::string& result) {
  for (const char* name : {"model.onnx", "lineage.json"}) {
    const std::string path = absl::StrCat(result, "/", name);
    if (!IsRegularFile(path)) return absl::NotFoundError(absl::StrCat("'", path, "': expected a file, got none"));
  }
  return absl::OkStatus();
}

// A folder under a name that nobody loads; removed at the end of its life, with what is left in it.
class StagingFolder {
 public:
  explicit StagingFolder(std::string path) : path_(std::move(path)) {}
  ~StagingFolder() {
    const absl::Status status = RemoveAll(path_);
    if (!status.ok()) LogWarning("folder of a publication not removed", {{"reason", status.ToString()}});
  }
  StagingFolder(const StagingFolder&) = delete;
  StagingFolder& operator=(const StagingFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

absl::StatusOr<int64_t> NextNumber(const VersionRecords& versions) {
  const int64_t highest = versions.empty() ? 0 : versions.rbegin()->first;
  if (highest < INT64_MAX) return highest + 1;
  return absl::FailedPreconditionError(absl::StrCat("expected a version below ", highest, ", got it"));
}

}  // namespace

Publisher::Publisher(std::string repository, std::string owner, std::function<void()> at_step)
    : repository_(std::move(repository)), owner_(std::move(owner)), at_step_(std::move(at_step)) {}

void Publisher::AtStep() const {
  if (at_step_) at_step_();
}

std::string Publisher::TemporaryName(const std::string& what) const {
  return absl::StrCat(".", what, ".", owner_, ".tmp");
}

absl::Status Publisher::CleanFolder(const std::string& folder) const {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder));
  const std::string suffix = absl::StrCat(".", owner_, ".tmp");
  for (const std::string& name : names) {
    if (name.front() != '.' || !absl::EndsWith(name, suffix)) continue;
    const std::string path = absl::StrCat(folder, "/", name);
    LogInfo("removing what an earlier publication left", {{"path", path}});
    RETURN_IF_ERROR(RemoveAll(path));
  }
  return absl::OkStatus();
}

absl::Status Publisher::CleanUp() const {
  RETURN_IF_ERROR(Annotate(CleanFolder(repository_), "model repository"));
  ASSIGN_OR_RETURN(const std::vector<std::string> models, ListDirectory(repository_));
  for (const std::string& model : models) {
    const std::string folder = absl::StrCat(repository_, "/", model);
    if (model.front() == '.' || !IsDirectory(folder)) continue;
    // One that cannot be read keeps no others from being cleaned.
    const absl::Status status = CleanFolder(folder);
    if (!status.ok()) LogWarning("model folder not cleaned", {{"path", folder}, {"reason", status.ToString()}});
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Publisher::Publish(const Publication& publication) const {
  RETURN_IF_ERROR(CheckModel(publication.model));
  const std::string folder = absl::StrCat(repository_, "/", publication.model);
  if (!IsThere(folder)) {
    ASSIGN_OR_RETURN(const bool made, PublishModel(publication, folder));
    if (made) return 1;
  }
  if (IsDirectory(folder)) return PublishVersion(publication, folder);
  return absl::FailedPreconditionError(absl::StrCat("model '", publication.model, "': expected '", folder,
                                                    "' to be a folder, got something else of that name"));
}

absl::StatusOr<bool> Publisher::PublishModel(const Publication& publication, const std::string& folder) const {
  const StagingFolder staging(absl::StrCat(repository_, "/", TemporaryName(publication.job)));
  RETURN_IF_ERROR(Stage(publication, 1, staging.path()));
  const absl::Status renamed = RenameToNew(staging.path(), folder);
  if (absl::IsAlreadyExists(renamed)) return false;
  RETURN_IF_ERROR(renamed);
  AtStep();
  RETURN_IF_ERROR(SyncFolder(repository_));
  return true;
}

absl::StatusOr<int64_t> Publisher::PublishVersion(const Publication& publication, const std::string& folder) const {
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::WaitForFolder(folder));
  ASSIGN_OR_RETURN(const VersionRecords versions, ReadVersions(folder));
  for (const auto& [version, record] : versions) {
    if (!record || record->job != publication.job || record->server != owner_) continue;
    // Who renamed it may have ended before it was durable.
    RETURN_IF_ERROR(SyncFolder(folder));
    RETURN_IF_ERROR(SyncFolder(repository_));
    return version;
  }
  ASSIGN_OR_RETURN(const int64_t next, NextNumber(versions));
  const StagingFolder staging(absl::StrCat(folder, "/", TemporaryName(publication.job)));
  RETURN_IF_ERROR(Stage(publication, next, staging.path()));
  RETURN_IF_ERROR(PutConfig(staging.path(), folder));
  return PutVersion(publication, next, staging.path(), folder);
}

absl::Status Publisher::Stage(const Publication& publication, int64_t version, const std::string& staging) const {
  RETURN_IF_ERROR(CheckResult(publication.result));
  RETURN_IF_ERROR(RemoveAll(staging));
  RETURN_IF_ERROR(MakeFolder(staging));
  AtStep();
  const std::string folder = absl::StrCat(staging, "/", version);
  RETURN_IF_ERROR(MakeFolder(folder));
  RETURN_IF_ERROR(CopyFiles(publication.result, {"model.onnx", "lineage.json", kLabels, kConfig}, folder));
  RETURN_IF_ERROR(WriteRecord(publication, version, folder));
  RETURN_IF_ERROR(CopyFiles(publication.result, {kLabels, kConfig}, staging));
  RETURN_IF_ERROR(SyncFolder(staging));
  AtStep();
  return absl::OkStatus();
}

absl::Status Publisher::CopyFiles(const std::string& from, const std::vector<std::string>& names,
                                  const std::string& to) const {
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(from, "/", name);
    if (!IsThere(path)) continue;
    RETURN_IF_ERROR(CopyFile(path, absl::StrCat(to, "/", name)));
    AtStep();
  }
  return absl::OkStatus();
}

absl::Status Publisher::WriteRecord(const Publication& publication, int64_t version, const std::string& folder) const {
  const PublicationRecord record{publication.job, owner_, version, publication.time_ms};
  RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(folder, "/", kPublicationFile), ToJson(record)));
  AtStep();
  return absl::OkStatus();
}

absl::Status Publisher::PutConfig(const std::string& staging, const std::string& folder) const {
  const auto staged = [&](const char* name) { return absl::StrCat(staging, "/", name); };
  const auto final_path = [&](const char* name) { return absl::StrCat(folder, "/", name); };
  if (!IsThere(staged(kConfig)) || IsThere(final_path(kConfig))) return absl::OkStatus();
  // The labels first: they mean nothing until the configuration names them.
  if (IsThere(staged(kLabels))) RETURN_IF_ERROR(RenameOver(staged(kLabels), final_path(kLabels)));
  AtStep();
  RETURN_IF_ERROR(RenameOver(staged(kConfig), final_path(kConfig)));
  AtStep();
  return SyncFolder(folder);
}

absl::StatusOr<int64_t> Publisher::PutVersion(const Publication& publication, int64_t first, const std::string& staging,
                                              const std::string& folder) const {
  const std::string staged = absl::StrCat(staging, "/", first);
  for (int64_t version = first; version - first < kTries; ++version) {
    if (version != first) RETURN_IF_ERROR(WriteRecord(publication, version, staged));
    const absl::Status renamed = RenameToNew(staged, absl::StrCat(folder, "/", version));
    if (absl::IsAlreadyExists(renamed)) continue;
    RETURN_IF_ERROR(renamed);
    AtStep();
    RETURN_IF_ERROR(SyncFolder(folder));
    return version;
  }
  return absl::UnavailableError(absl::StrCat("'", folder, "': somebody else takes every number from ", first));
}

absl::StatusOr<std::vector<int64_t>> Publisher::RemoveOld(const std::string& model, int64_t keep,
                                                          const std::vector<int64_t>& in_use) const {
  if (keep <= 0) return std::vector<int64_t>();
  RETURN_IF_ERROR(CheckModel(model));
  const std::string folder = absl::StrCat(repository_, "/", model);
  ASSIGN_OR_RETURN(const FileLock lock, FileLock::WaitForFolder(folder));
  ASSIGN_OR_RETURN(const VersionRecords versions, ReadVersions(folder));
  std::vector<int64_t> old;
  for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
    if (version->second && --keep < 0) old.push_back(version->first);
  }
  std::reverse(old.begin(), old.end());
  std::erase_if(old, [&](int64_t version) { return std::count(in_use.begin(), in_use.end(), version) > 0; });
  for (const int64_t version : old) {
    const StagingFolder removed(absl::StrCat(folder, "/", TemporaryName(absl::StrCat(version))));
    RETURN_IF_ERROR(RemoveAll(removed.path()));
    RETURN_IF_ERROR(RenameToNew(absl::StrCat(folder, "/", version), removed.path()));
    AtStep();
    RETURN_IF_ERROR(SyncFolder(folder));
  }
  return old;
}

}  // namespace beak
