#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace beak {

// What /proc/self/cgroup says of this process; "" where there is none.
std::string SelfCgroup();

// The words of a small file of /proc or /sys; none where it cannot be read.
std::vector<std::string> ReadWords(const std::string& path);

// A limit, and the folder of the cgroup that it is written in.
struct CgroupLimit {
  int64_t value = 0;
  std::string folder;
};

// The tightest limit that cgroups set this process through `controller` ("cpu", "memory"). `limit` reads the one that
// is written in one cgroup's folder, of version 1 or 2, nullopt for none; it is asked for every cgroup from the
// process's own up to the root. `self_cgroup` is the text of /proc/self/cgroup, `mount` where the hierarchies are
// mounted (/sys/fs/cgroup). A path that is not visible here (a container that sees only its own part of the tree) has
// no files until the walk reaches the root.
std::optional<CgroupLimit> LeastCgroupLimit(
    const std::string& self_cgroup, const std::string& mount, const std::string& controller,
    const std::function<std::optional<int64_t>(const std::string& folder, bool version2)>& limit);

}  // namespace beak
