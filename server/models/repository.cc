#include "server/models/repository.h"

#include <algorithm>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/file.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr size_t kMaxNameBytes = 255;
constexpr int64_t kMaxLabelFileBytes = int64_t{16} << 20;

std::optional<int64_t> ParseVersion(const std::string& name) {
  const bool digits = std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  int64_t version = 0;
  if (!digits || name.front() == '0' || !absl::SimpleAtoi(name, &version)) return std::nullopt;
  return version;
}

ModelFolder ReadModelFolder(const std::string& name, const std::string& path) {
  ModelFolder folder{name, path, {}};
  const absl::StatusOr<std::vector<std::string>> entries = ListDirectory(path);
  folder.readable = entries.ok();
  if (!entries.ok()) return folder;
  for (const std::string& entry : *entries) {
    const std::optional<int64_t> version = ParseVersion(entry);
    if (version && IsDirectory(absl::StrCat(path, "/", entry))) folder.versions.push_back(*version);
  }
  std::sort(folder.versions.begin(), folder.versions.end());
  return folder;
}

}  // namespace

absl::StatusOr<std::vector<ModelFolder>> ScanRepository(const std::string& path, BadNames bad_names) {
  const absl::StatusOr<std::vector<std::string>> names = ListDirectory(path);
  if (!names.ok()) return Annotate(names.status(), "model repository");
  std::vector<ModelFolder> folders;
  for (const std::string& name : *names) {
    const std::string folder = absl::StrCat(path, "/", name);
    if (name.front() == '.' || !IsDirectory(folder)) continue;
    if (absl::Status status = CheckModelName(name); !status.ok()) {
      if (bad_names == BadNames::kPassOver) continue;
      return Annotate(status, absl::StrCat("model repository ", path));
    }
    folders.push_back(ReadModelFolder(name, folder));
  }
  return folders;
}

absl::StatusOr<ModelFolder> ScanModelFolder(const std::string& repository, const std::string& name) {
  const std::string path = absl::StrCat(repository, "/", name);
  if (!CheckModelName(name).ok() || name.front() == '.' || !IsDirectory(path)) {
    return absl::NotFoundError("no such model in the repository");
  }
  return ReadModelFolder(name, path);
}

absl::Status CheckModelName(const std::string& name) {
  const bool printable = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~' && c != '/'; });
  if (printable && !name.empty() && name.size() <= kMaxNameBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("model name: expected 1 to ", kMaxNameBytes,
                                                 " printable characters without blanks and slashes, got '", name, "'"));
}

absl::StatusOr<std::vector<std::string>> ReadLabels(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxLabelFileBytes));
  std::vector<std::string> labels = absl::StrSplit(text, '\n');
  if (labels.back().empty()) labels.pop_back();
  for (std::string& label : labels) {
    if (!label.empty() && label.back() == '\r') label.pop_back();
  }
  return labels;
}

}  // namespace beak
