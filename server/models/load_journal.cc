#include "server/models/load_journal.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/models/fingerprint.h"
#include "server/models/repository.h"

namespace beak {
namespace {

constexpr int64_t kMaxEntryBytes = 4096;
constexpr int64_t kDeathsToQuarantine = 2;
constexpr int64_t kMaxDeaths = 1'000'000;
constexpr const char* kHeader = "beak load 1";

absl::Status Malformed(const std::string& what) {
  return absl::DataLossError(absl::StrCat("expected an entry of the load journal, got ", what));
}

}  // namespace

absl::StatusOr<LoadJournal> LoadJournal::Open(const std::string& state_dir) {
  if (state_dir.empty()) return LoadJournal("");
  LoadJournal journal(absl::StrCat(state_dir, "/loads"));
  std::error_code error;
  std::filesystem::create_directories(journal.folder_, error);
  if (error)
    return absl::UnavailableError(absl::StrCat("state: cannot create ", journal.folder_, ": ", error.message()));
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(journal.folder_));
  for (const std::string& name : names) {
    if (std::filesystem::path(name).extension() != ".load") continue;
    const std::string path = absl::StrCat(journal.folder_, "/", name);
    const absl::Status status = journal.ReadEntry(path);
    if (!status.ok()) LogWarning("load journal entry ignored", {{"path", path}, {"reason", status.ToString()}});
  }
  return journal;
}

absl::Status LoadJournal::ReadEntry(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxEntryBytes));
  const std::vector<std::string> lines = absl::StrSplit(text, '\n');
  if (lines.size() != 7 || lines[0] != kHeader || !lines[6].empty())
    return Malformed(absl::StrCat(text.size(), " bytes"));
  Key key(lines[1], 0);
  Entry entry;
  int under_way = 0;
  RETURN_IF_ERROR(CheckModelName(key.first));
  if (!absl::SimpleAtoi(lines[2], &key.second)) return Malformed("no version");
  if (!absl::SimpleAtoi(lines[3], &entry.fingerprint)) return Malformed("no fingerprint");
  if (!absl::SimpleAtoi(lines[4], &entry.deaths) || entry.deaths < 0 || entry.deaths > kMaxDeaths) {
    return Malformed("no count of deaths");
  }
  if (!absl::SimpleAtoi(lines[5], &under_way)) return Malformed("no mark whether it is under way");
  if (path != PathOf(key)) return Malformed("one of another file");
  if (under_way != 0) {
    ++entry.deaths;
    LogWarning("the last process ended while it loaded a model",
               {{"model", key.first}, {"version", key.second}, {"times", entry.deaths}});
    RETURN_IF_ERROR(Write(key, entry, false));
  }
  entries_[key] = entry;
  return absl::OkStatus();
}

bool LoadJournal::IsQuarantined(const std::string& model, int64_t version, uint64_t fingerprint) const {
  const auto found = entries_.find({model, version});
  return found != entries_.end() && found->second.fingerprint == fingerprint &&
         found->second.deaths >= kDeathsToQuarantine;
}

absl::Status LoadJournal::Begin(const std::string& model, int64_t version, uint64_t fingerprint) {
  if (folder_.empty()) return absl::OkStatus();
  const Key key(model, version);
  Entry& entry = entries_[key];
  if (entry.fingerprint != fingerprint) entry = {fingerprint, 0};
  return Write(key, entry, true);
}

void LoadJournal::End(const std::string& model, int64_t version) {
  const Key key(model, version);
  if (entries_.erase(key) > 0) unlink(PathOf(key).c_str());
}

absl::Status LoadJournal::Write(const Key& key, const Entry& entry, bool under_way) const {
  return WriteFileAtomically(
      PathOf(key), absl::StrCat(kHeader, "\n", key.first, "\n", key.second, "\n", entry.fingerprint, "\n", entry.deaths,
                                "\n", under_way ? 1 : 0, "\n"));
}

std::string LoadJournal::PathOf(const Key& key) const {
  // A model's name may be as long as a file's, so it cannot be part of one.
  Fingerprint name;
  name.Add(key.first);
  name.Add(static_cast<uint64_t>(key.second));
  return absl::StrCat(folder_, "/", absl::Hex(name.value(), absl::kZeroPad16), ".load");
}

}  // namespace beak
