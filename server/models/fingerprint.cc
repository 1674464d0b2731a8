#include "server/models/fingerprint.h"

#include <sys/stat.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr uint64_t kPrime = 1099511628211u;
constexpr int kMaxFiles = 100'000;
constexpr int kMaxDepth = 8;  // also ends a loop of symbolic links

uint64_t Nanoseconds(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(time.tv_nsec);
}

struct Walk {
  Fingerprint fingerprint;
  FolderPrint print;
};

absl::Status Visit(const std::string& folder, int depth, bool counts, Walk* walk) {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, ListDirectory(folder));
  for (const std::string& name : names) {
    const std::string path = absl::StrCat(folder, "/", name);
    walk->fingerprint.Add(name);
    if (IsDirectory(path)) {
      if (depth < kMaxDepth) RETURN_IF_ERROR(Visit(path, depth + 1, counts && name != "golden", walk));
      continue;
    }
    walk->fingerprint.AddFile(path);
    struct stat info;
    if (counts && stat(path.c_str(), &info) == 0) walk->print.bytes += info.st_size;
    if (++walk->print.files > kMaxFiles) {
      return absl::ResourceExhaustedError(absl::StrCat("'", folder, "': expected at most ", kMaxFiles, " files"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

void Fingerprint::Add(std::string_view bytes) {
  for (const char byte : bytes) hash_ = (hash_ ^ static_cast<unsigned char>(byte)) * kPrime;
  Add(bytes.size());  // so that "ab", "c" is not "a", "bc"
}

void Fingerprint::Add(uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) hash_ = (hash_ ^ ((number >> shift) & 255u)) * kPrime;
}

void Fingerprint::AddFile(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return Add(std::string_view("none"));
  Add(static_cast<uint64_t>(info.st_size));
  Add(Nanoseconds(info.st_mtim));
  Add(static_cast<uint64_t>(info.st_ino));
}

absl::StatusOr<FolderPrint> FingerprintFolder(const std::string& path) {
  Walk walk;
  RETURN_IF_ERROR(Visit(path, 0, true, &walk));
  walk.print.fingerprint = walk.fingerprint.value();
  return walk.print;
}

}  // namespace beak
