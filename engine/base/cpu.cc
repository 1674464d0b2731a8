#include "engine/base/cpu.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
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
constexpr char kCgroupMount[] = "/sys/fs/cgroup";
constexpr int64_t kMostMicroseconds = std::numeric_limits<int64_t>::max() / 1000;  // that are nanoseconds too

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

// A limit on computing, and the folder of the cgroup that it is written in.
struct Quota {
  double cores = 0;  // that may compute all the time
  std::string folder;
};

// `quota` microseconds of computing per `period` as cores; nullopt for no limit ("max", -1).
std::optional<double> QuotaCores(const std::string& quota, const std::string& period) {
  int64_t quota_us = 0;
  int64_t period_us = 0;
  if (!absl::SimpleAtoi(quota, &quota_us) || !absl::SimpleAtoi(period, &period_us)) return std::nullopt;
  if (quota_us <= 0 || period_us <= 0) return std::nullopt;
  return static_cast<double>(quota_us) / static_cast<double>(period_us);
}

// The quota that is written in one cgroup's folder.
std::optional<double> FolderCores(const std::string& folder, bool version2) {
  if (version2) {
    const std::vector<std::string> max = Words(folder + "/cpu.max");
    return max.size() == 2 ? QuotaCores(max[0], max[1]) : std::nullopt;
  }
  const std::vector<std::string> quota = Words(folder + "/cpu.cfs_quota_us");
  const std::vector<std::string> period = Words(folder + "/cpu.cfs_period_us");
  return quota.size() == 1 && period.size() == 1 ? QuotaCores(quota[0], period[0]) : std::nullopt;
}

// Makes `least` the tightest quota from `path` up to the root of the hierarchy at `mount`, if it is tighter. A path
// that is not visible here (a container that sees only its own part of the tree) has no files until the walk reaches
// the root.
void LookThroughHierarchy(const std::string& mount, std::string path, bool version2, std::optional<Quota>& least) {
  while (true) {
    const std::string folder = mount + path;
    const std::optional<double> cores = FolderCores(folder, version2);
    if (cores && (!least || *cores < least->cores)) least = {*cores, folder};
    const size_t slash = path.rfind('/');
    if (slash == std::string::npos) return;
    path.resize(slash);
  }
}

std::optional<Quota> TightestQuota(const std::string& self_cgroup, const std::string& mount) {
  std::optional<Quota> least;
  for (const absl::string_view line : absl::StrSplit(self_cgroup, '\n', absl::SkipEmpty())) {
    // hierarchy:controllers:path, where version 2 has no controllers.
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(fields[1], ',');
    const bool version2 = fields[1].empty();
    if (!version2 && std::find(controllers.begin(), controllers.end(), "cpu") == controllers.end()) continue;
    LookThroughHierarchy(version2 ? mount : mount + "/" + fields[1], fields[2], version2, least);
  }
  return least;
}

absl::StatusOr<std::string> SelfCgroup() { return ReadFile("/proc/self/cgroup", kMaxProcFileBytes); }

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
  constexpr double kMostCores = 1 << 20;
  const std::optional<Quota> quota = TightestQuota(self_cgroup, mount);
  if (!quota) return std::nullopt;
  return static_cast<int>(std::min(std::ceil(quota->cores), kMostCores));
}

int AvailableCores() {
  int cores = AffinityCores();
  const absl::StatusOr<std::string> self = SelfCgroup();
  if (self.ok()) {
    if (const std::optional<int> quota = CgroupCores(*self, kCgroupMount)) cores = std::min(cores, *quota);
  }
  return std::max(cores, 1);
}

std::optional<CpuThrottling> CgroupThrottling(const std::string& self_cgroup, const std::string& mount) {
  const std::optional<Quota> quota = TightestQuota(self_cgroup, mount);
  if (!quota) return std::nullopt;
  CpuThrottling throttling;
  const std::vector<std::string> words = Words(quota->folder + "/cpu.stat");  // name, value, name, value ...
  for (size_t i = 0; i + 1 < words.size(); i += 2) {
    int64_t value = 0;
    if (!absl::SimpleAtoi(words[i + 1], &value) || value < 0) continue;
    if (words[i] == "nr_periods") throttling.periods = value;
    if (words[i] == "nr_throttled") throttling.throttled_periods = value;
    if (words[i] == "throttled_time") throttling.throttled = std::chrono::nanoseconds(value);  // version 1
    if (words[i] == "throttled_usec") {                                                        // version 2
      throttling.throttled = std::chrono::microseconds(std::min(value, kMostMicroseconds));
    }
  }
  return throttling;
}

std::optional<CpuThrottling> ProcessThrottling() {
  const absl::StatusOr<std::string> self = SelfCgroup();
  return self.ok() ? CgroupThrottling(*self, kCgroupMount) : std::nullopt;
}

}  // namespace beak
