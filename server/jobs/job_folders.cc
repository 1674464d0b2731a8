#include "server/jobs/job_folders.h"

#include <fcntl.h>
#include <google/protobuf/text_format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/jobs/durable_files.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUnfinished = ".unfinished";
constexpr const char* kCheck = ".check-";
constexpr const char* kModelFile = "model.onnx";
constexpr int64_t kMaxOwnerBytes = 4096;
// Of a version's folder.
constexpr int kMaxFiles = 1000;
constexpr int kMaxDepth = 8;

std::string OwnerFile(const std::string& folder) { return absl::StrCat(folder, "/owner"); }

// The first that is free of NAME.lost-1, NAME.lost-2 ...
absl::Status PutAside(const std::string& folder) {
  for (int i = 1;; ++i) {
    const std::string name = absl::StrCat(folder, ".lost-", i);
    const absl::Status status = RenameToNew(folder, name);
    if (absl::IsAlreadyExists(status)) continue;
    if (status.ok()) LogWarning("folder of another database's job put aside", {{"path", name}});
    return status;
  }
}

absl::Status LinkOrCopy(const std::string& from, const std::string& to) {
  if (linkat(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), AT_SYMLINK_FOLLOW) == 0) return absl::OkStatus();
  return CopyFile(from, to);  // another file system, or one without links
}

// Regular files, with their folders; what else there is nobody reads.
absl::Status KeepFolder(const std::string& from, const std::string& to, int depth, int* files) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(from));
  for (const std::string& name : names) {
    const std::string source = absl::StrCat(from, "/", name);
    const std::string target = absl::StrCat(to, "/", name);
    struct stat info;
    if (lstat(source.c_str(), &info) != 0 || IsThere(target)) continue;
    if (S_ISREG(info.st_mode)) {
      if (++*files > kMaxFiles) {
        return absl::ResourceExhaustedError(absl::StrCat("'", from, "': expected at most ", kMaxFiles, " files"));
      }
      RETURN_IF_ERROR(LinkOrCopy(source, target));
    } else if (S_ISDIR(info.st_mode) && depth < kMaxDepth) {
      RETURN_IF_ERROR(MakeFolder(target));
      RETURN_IF_ERROR(KeepFolder(source, target, depth + 1, files));
    }
  }
  return SyncFolder(to);
}

absl::Status FillVersion(const ServedModels::Version& version, const std::string& to) {
  RETURN_IF_ERROR(MakeFolder(to));
  RETURN_IF_ERROR(LinkOrCopy(version.path, absl::StrCat(to, "/", kModelFile)));
  // A model that is a single file may lie anywhere, beside anything.
  const fs::path folder = fs::path(version.path).parent_path();
  if (folder.filename() != std::to_string(version.version)) return SyncFolder(to);
  int files = 0;
  return KeepFolder(folder, to, 0, &files);
}

}  // namespace

JobFolders::JobFolders(std::string state_dir, std::string owner)
    : root_(absl::StrCat(state_dir, "/jobs")), owner_(std::move(owner)) {}

std::string JobFolders::PathOf(const std::string& id) const { return absl::StrCat(root_, "/", id); }

std::string JobFolders::LogOf(const std::string& id) const { return absl::StrCat(PathOf(id), "/log.txt"); }

std::string JobFolders::LogOfCheck(int64_t number) const { return LogOf(absl::StrCat(kCheck, number)); }

bool JobFolders::IsOurs(const std::string& folder) const {
  const absl::StatusOr<std::string> owner = ReadFile(OwnerFile(folder), kMaxOwnerBytes);
  return owner.ok() && *owner == owner_;
}

absl::Status JobFolders::Make(const std::string& id) const {
  const std::string folder = PathOf(id);
  if (IsThere(folder)) {
    if (IsOurs(folder)) return absl::OkStatus();
    RETURN_IF_ERROR(PutAside(folder));
  }
  const std::string unfinished = folder + kUnfinished;
  RETURN_IF_ERROR(RemoveAll(unfinished));
  RETURN_IF_ERROR(MakeFolder(unfinished));
  RETURN_IF_ERROR(WriteFileAtomically(OwnerFile(unfinished), owner_));
  RETURN_IF_ERROR(RenameToNew(unfinished, folder));
  return SyncFolder(root_);
}

absl::StatusOr<std::string> JobFolders::MakeForCheck(int64_t number) const {
  const std::string folder = PathOf(absl::StrCat(kCheck, number));
  RETURN_IF_ERROR(RemoveAll(folder));
  RETURN_IF_ERROR(MakeFolder(folder));
  return folder;
}

absl::Status JobFolders::RemoveCheck(int64_t number) const { return Remove(absl::StrCat(kCheck, number)); }

absl::Status JobFolders::Remove(const std::string& id) const { return RemoveAll(PathOf(id)); }

void JobFolders::CleanUp(const std::function<bool(const std::string& id)>& is_job) const {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(root_);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const std::string folder = PathOf(name);
    std::error_code error;
    if (!fs::is_directory(fs::symlink_status(folder, error))) continue;
    const bool rest = absl::StartsWith(name, kCheck) || absl::EndsWith(name, kUnfinished);
    if (!rest && (!IsOurs(folder) || is_job(name))) continue;
    const absl::Status status = RemoveAll(folder);
    if (!status.ok()) LogWarning("folder of a job cannot be removed", {{"reason", status.ToString()}});
  }
}

absl::StatusOr<std::string> WriteJobFile(const std::string& folder, const v1::TrainJobSpec& spec) {
  std::string text;
  if (!google::protobuf::TextFormat::PrintToString(spec, &text)) return absl::InternalError("job: cannot be printed");
  const std::string path = absl::StrCat(folder, "/job.textproto");
  RETURN_IF_ERROR(WriteFileAtomically(path, text));
  return path;
}

absl::StatusOr<ServedModels::Version> KeepVersion(const ServedModels::Version& version, const std::string& folder) {
  const std::string target = absl::StrCat(folder, "/", version.version);
  ServedModels::Version kept = {version.version, absl::StrCat(target, "/", kModelFile)};
  if (IsThere(target)) return kept;
  if (!IsThere(folder)) RETURN_IF_ERROR(MakeFolder(folder));
  const std::string unfinished = target + kUnfinished;
  RETURN_IF_ERROR(RemoveAll(unfinished));
  RETURN_IF_ERROR(FillVersion(version, unfinished));
  RETURN_IF_ERROR(RenameToNew(unfinished, target));
  RETURN_IF_ERROR(SyncFolder(folder));
  return kept;
}

std::optional<ServedModels::Version> FindKeptVersion(const std::string& folder) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(folder);
  if (!names.ok()) return std::nullopt;
  for (const std::string& name : *names) {
    int64_t version = 0;
    if (absl::SimpleAtoi(name, &version))
      return ServedModels::Version{version, absl::StrCat(folder, "/", name, "/", kModelFile)};
  }
  return std::nullopt;
}

}  // namespace beak
