#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace beak {

// Bytes of memory that this process may use: the least of the machine's and of the cgroup's limit (v1 and v2).
int64_t AvailableMemoryBytes();

// The part of AvailableMemoryBytes that cgroups have; nullopt without a limit. See LeastCgroupLimit for the arguments.
std::optional<int64_t> CgroupMemoryBytes(const std::string& self_cgroup, const std::string& mount);

}  // namespace beak
