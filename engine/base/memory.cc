#include "engine/base/memory.h"

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "engine/base/cgroup.h"

namespace beak {
namespace {

// Version 1 writes "no limit" as the largest number of whole pages.
constexpr int64_t kNoLimit = int64_t{1} << 60;

std::optional<int64_t> FolderBytes(const std::string& folder, bool version2) {
  const std::vector<std::string> words = ReadWords(folder + (version2 ? "/memory.max" : "/memory.limit_in_bytes"));
  int64_t bytes = 0;
  if (words.size() != 1 || !absl::SimpleAtoi(words[0], &bytes) || bytes <= 0 || bytes >= kNoLimit) return std::nullopt;
  return bytes;
}

}  // namespace

std::optional<int64_t> CgroupMemoryBytes(const std::string& self_cgroup, const std::string& mount) {
  const std::optional<CgroupLimit> limit = LeastCgroupLimit(self_cgroup, mount, "memory", FolderBytes);
  return limit ? std::optional<int64_t>(limit->value) : std::nullopt;
}

int64_t AvailableMemoryBytes() {
  const int64_t machine = int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return std::min(machine, CgroupMemoryBytes(SelfCgroup(), "/sys/fs/cgroup").value_or(machine));
}

}  // namespace beak
