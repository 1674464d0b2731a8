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
#include "engine/base/cgroup.h"
#include "engine/base/log.h"

namespace beak {
namespace {

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

// Whole cores that `quota` microseconds of computing per `period` amount to; nullopt for no limit ("max", -1).
std::optional<int64_t> QuotaCores(const std::string& quota, const std::string& period) {
  int64_t quota_us = 0;
  int64_t period_us = 0;
  if (!absl::SimpleAtoi(quota, &quota_us) || !absl::SimpleAtoi(period, &period_us)) return std::nullopt;
  if (quota_us <= 0 || period_us <= 0) return std::nullopt;
  const int64_t cores = quota_us / period_us + (quota_us % period_us != 0 ? 1 : 0);
  return std::min<int64_t>(cores, 1 << 20);
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
  const std::optional<int64_t> cores = LeastCgroupLimit(self_cgroup, mount, "cpu", FolderCores);
  return cores ? std::optional<int>(static_cast<int>(*cores)) : std::nullopt;
}

int AvailableCores() {
  const int cores = AffinityCores();
  return std::max(std::min(cores, CgroupCores(SelfCgroup(), "/sys/fs/cgroup").value_or(cores)), 1);
}

}  // namespace beak
