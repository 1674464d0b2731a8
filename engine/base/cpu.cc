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
#include "engine/base/cgroup.h"
#include "engine/base/log.h"

namespace beak {
namespace {

constexpr char kCgroupMount[] = "/sys/fs/cgroup";
constexpr int64_t kMostMicroseconds = std::numeric_limits<int64_t>::max() / 1000;  // that are nanoseconds too
constexpr int64_t kWholeCore = 1'000'000;  // limits are compared in millionths of a core

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

// `quota` microseconds of computing per `period` as millionths of a core; nullopt for no limit ("max", -1).
std::optional<int64_t> QuotaCores(const std::string& quota, const std::string& period) {
  int64_t quota_us = 0;
  int64_t period_us = 0;
  if (!absl::SimpleAtoi(quota, &quota_us) || !absl::SimpleAtoi(period, &period_us)) return std::nullopt;
  if (quota_us <= 0 || period_us <= 0) return std::nullopt;
  constexpr double kMostCores = 1 << 20;
  const double cores = std::min(static_cast<double>(quota_us) / static_cast<double>(period_us), kMostCores);
  return std::max<int64_t>(1, std::llround(cores * kWholeCore));
}

// The quota that is written in one cgroup's folder.
std::optional<int64_t> FolderCores(const std::string& folder, bool version2) {
  if (version2) {
    const std::vector<std::string> max = ReadWords(folder + "/cpu.max");
    return max.size() == 2 ? QuotaCores(max[0], max[1]) : std::nullopt;
  }
  const std::vector<std::string> quota = ReadWords(folder + "/cpu.cfs_quota_us");
  const std::vector<std::string> period = ReadWords(folder + "/cpu.cfs_period_us");
  return quota.size() == 1 && period.size() == 1 ? QuotaCores(quota[0], period[0]) : std::nullopt;
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
  const std::optional<CgroupLimit> quota = LeastCgroupLimit(self_cgroup, mount, "cpu", FolderCores);
  if (!quota) return std::nullopt;
  return static_cast<int>((quota->value + kWholeCore - 1) / kWholeCore);
}

int AvailableCores() {
  const int cores = AffinityCores();
  return std::max(std::min(cores, CgroupCores(SelfCgroup(), kCgroupMount).value_or(cores)), 1);
}

std::optional<CpuThrottling> CgroupThrottling(const std::string& self_cgroup, const std::string& mount) {
  const std::optional<CgroupLimit> quota = LeastCgroupLimit(self_cgroup, mount, "cpu", FolderCores);
  if (!quota) return std::nullopt;
  CpuThrottling throttling;
  const std::vector<std::string> words = ReadWords(quota->folder + "/cpu.stat");  // name, value, name, value ...
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

std::optional<CpuThrottling> ProcessThrottling() { return CgroupThrottling(SelfCgroup(), kCgroupMount); }

}  // namespace beak
