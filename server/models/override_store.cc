#include "server/models/override_store.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/models/fingerprint.h"
#include "server/models/repository.h"

namespace beak {
namespace {

constexpr int64_t kMaxEntryBytes = (int64_t{1} << 20) + 4096;
constexpr const char* kHeader = "beak override 1 ";

absl::Status Malformed() { return absl::DataLossError("expected a model's name and its configuration in JSON"); }

}  // namespace

absl::StatusOr<OverrideStore> OverrideStore::Open(const std::string& state_dir) {
  if (state_dir.empty()) return OverrideStore("");
  OverrideStore store(absl::StrCat(state_dir, "/overrides"));
  std::error_code error;
  std::filesystem::create_directories(store.folder_, error);
  if (error) return absl::UnavailableError(absl::StrCat("state: cannot create ", store.folder_, ": ", error.message()));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(store.folder_));
  for (const std::string& name : names) {
    if (std::filesystem::path(name).extension() != ".override") continue;
    const std::string path = absl::StrCat(store.folder_, "/", name);
    const absl::Status status = store.ReadEntry(path);
    if (!status.ok()) LogWarning("configuration override ignored", {{"path", path}, {"reason", status.ToString()}});
  }
  return store;
}

absl::Status OverrideStore::ReadEntry(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxEntryBytes));
  const std::string header(kHeader);
  const size_t end = text.find('\n');
  if (text.compare(0, header.size(), header) != 0 || end == std::string::npos) return Malformed();
  const std::string model = text.substr(header.size(), end - header.size());
  if (!CheckModelName(model).ok() || path != PathOf(model)) return Malformed();
  all_[model] = text.substr(end + 1);
  return absl::OkStatus();
}

absl::Status OverrideStore::Keep(const std::string& model, const std::string& json) const {
  if (!durable()) return absl::OkStatus();
  return WriteFileAtomically(PathOf(model), absl::StrCat(kHeader, model, "\n", json));
}

absl::Status OverrideStore::Drop(const std::string& model) const {
  if (!durable() || unlink(PathOf(model).c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("state: cannot remove ", PathOf(model)));
}

std::string OverrideStore::PathOf(const std::string& model) const {
  Fingerprint name;
  name.Add(model);
  return absl::StrCat(folder_, "/", absl::Hex(name.value(), absl::kZeroPad16), ".override");
}

}  // namespace beak
