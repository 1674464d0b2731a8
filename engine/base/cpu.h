#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace beak {

// Instruction sets that code of ours chooses between at run time.
enum class Isa { kSse2, kAvx2, kAvx512 };

// The best that this machine offers: kAvx2 means AVX2 with FMA, kAvx512 means F, BW, DQ and VL.
// BEAK_MAX_ISA=sse2|avx2|avx512 in the environment lowers it, so that every path can be tested on one machine.
Isa BestIsa();

const char* IsaName(Isa isa);

// Cores that this process may use: the least of the machine's, the affinity mask's and the cgroup's CPU quota
// (v1 and v2, rounded up, at least 1).
int AvailableCores();

// The part of AvailableCores that cgroups have: whole cores, nullopt without a quota. See LeastCgroupLimit for the
// arguments.
std::optional<int> CgroupCores(const std::string& self_cgroup, const std::string& mount);

// How often a CPU quota has held its cgroup up, as the kernel has counted since the group was made.
struct CpuThrottling {
  int64_t periods = 0;                    // of the quota in which the group wanted to compute
  int64_t throttled_periods = 0;          // of those, in which it used the quota up
  std::chrono::nanoseconds throttled{0};  // how long cores that it wanted were kept from it, all of them added up
};

// That of the tightest quota that this process is under; nullopt where there is none.
std::optional<CpuThrottling> ProcessThrottling();

// The same, with the arguments of CgroupCores.
std::optional<CpuThrottling> CgroupThrottling(const std::string& self_cgroup, const std::string& mount);

}  // namespace beak
