#include "engine/base/cpu.h"

#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "engine/base/file.h"
#include "engine/base/log.h"

namespace beak {
namespace {

constexpr int64_t kMaxProcFileBytes = 1 << 20;

Isa MachineIsa() {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx2 && avx512) return Isa::kAvx512;
  return avx2 ? Isa::kAvx2 : Isa::kSse2;
}

Isa AllowedIsa() {
  const char* wish = std::getenv("BEAK_MAX_ISA");
  if (wish == nullptr || *wish == '\0') return Isa::kAvx512;
  for (const Isa isa : {Isa::kSse2, Isa::kAvx2, Isa::kAvx512}) {
    if (std::string(IsaName(isa)) == wish) return isa;
  }
  LogWarning("ignored BEAK_MAX_ISA: expected sse2, avx2 or avx512", {{"value", wish}});
  return Isa::kAvx512;
}

int AffinityCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
  // More cores than cpu_set_t has bits for.
  return static_cast<int>(std::thread::hardware_concurrency());
}

std::vector<std::string> Words(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, kMaxProcFileBytes);
  if (!text.ok()) return {};
  return absl::StrSplit(*text, absl::ByAnyChar(" \n"), absl::SkipEmpty());
}

// Whole cores that `quota` microseconds of computing per `period` amount to; nullopt for no limit ("max", -1).
std::optional<int> QuotaCores(const std::string& quota, const std::string& period) {
  int64_t quota_us = 0;
  int64_t period_us = 0;
  if (!absl::SimpleAtoi(quota, &quota_us) || !absl::SimpleAtoi(period, &period_us)) return std::nullopt;
  if (quota_us <= 0 || period_us <= 0) return std::nullopt;
  const int64_t cores = quota_us / period_us + (quota_us % period_us != 0 ? 1 : 0);
  return static_cast<int>(std::min<int64_t>(cores, 1 << 20));
}

// The quota that is written in one cgroup's folder.
std::optional<int> FolderCores(const std::string& folder, bool version2) {
  if (version2) {
    const std::vector<std::string> max = Words(folder + "/cpu.max");
    return max.size() == 2 ? QuotaCores(max[0], max[1]) : std::nullopt;
  }
  const std::vector<std::string> quota = Words(folder + "/cpu.cfs_quota_us");
  const std::vector<std::string> period = Words(folder + "/cpu.cfs_period_us");
  return quota.size() == 1 && period.size() == 1 ? QuotaCores(quota[0], period[0]) : std::nullopt;
}

// The tightest quota from `path` up to the root of the hierarchy at `mount`. A path that is not visible here (a
// container that sees only its own part of the tree) has no files until the walk reaches the root.
std::optional<int> HierarchyCores(const std::string& mount, std::string path, bool version2) {
  std::optional<int> least;
  while (true) {
    const std::optional<int> cores = FolderCores(mount + path, version2);
    if (cores && (!least || *cores < *least)) least = cores;
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return least;
    path.resize(slash);
  }
}

}  // namespace

Isa BestIsa() {
  static const Isa best = std::min(MachineIsa(), AllowedIsa());
  return best;
}

const char* IsaName(Isa isa) {
  switch (isa) {
    case Isa::kSse2:
      return "sse2";
    case Isa::kAvx2:
      return "avx2";
    case Isa::kAvx512:
      return "avx512";
  }
  return "unknown";
}

std::optional<int> CgroupCores(const std::string& self_cgroup, const std::string& mount) {
  std::optional<int> least;
  for (const absl::string_view line : absl::StrSplit(self_cgroup, '\n', absl::SkipEmpty())) {
    // hierarchy:controllers:path, where version 2 has no controllers.
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(fields[1], ',');
    const bool version2 = fields[1].empty();
    if (!version2 && std::find(controllers.begin(), controllers.end(), "cpu") == controllers.end()) continue;
    const std::string folder = version2 ? mount : mount + "/" + fields[1];
    const std::optional<int> cores = HierarchyCores(folder, fields[2], version2);
    if (cores && (!least || *cores < *least)) least = cores;
  }
  return least;
}

int AvailableCores() {
  int cores = AffinityCores();
  const absl::StatusOr<std::string> self = ReadFile("/proc/self/cgroup", kMaxProcFileBytes);
  if (self.ok()) {
    if (const std::optional<int> quota = CgroupCores(*self, "/sys/fs/cgroup")) cores = std::min(cores, *quota);
  }
  return std::max(cores, 1);
}

}  // namespace beak
