#pragma once

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

}  // namespace beak
