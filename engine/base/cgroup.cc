#include "engine/base/cgroup.h"

#include <algorithm>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "engine/base/file.h"

namespace beak {
namespace {

constexpr int64_t kMaxProcFileBytes = 1 << 20;

}  // namespace

std::string SelfCgroup() {
  absl::StatusOr<std::string> text = ReadFile("/proc/self/cgroup", kMaxProcFileBytes);
  return text.ok() ? *std::move(text) : "";
}

std::vector<std::string> ReadWords(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadFile(path, kMaxProcFileBytes);
  if (!text.ok()) return {};
  return absl::StrSplit(*text, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
}

std::optional<CgroupLimit> LeastCgroupLimit(
    const std::string& self_cgroup, const std::string& mount, const std::string& controller,
    const std::function<std::optional<int64_t>(const std::string& folder, bool version2)>& limit) {
  std::optional<CgroupLimit> least;
  for (const absl::string_view line : absl::StrSplit(self_cgroup, '\n', absl::SkipEmpty())) {
    // hierarchy:controllers:path, where version 2 has no controllers.
    const std::vector<std::string> fields = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (fields.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(fields[1], ',');
    const bool version2 = fields[1].empty();
    if (!version2 && std::find(controllers.begin(), controllers.end(), controller) == controllers.end()) continue;
    const std::string root = version2 ? mount : mount + "/" + fields[1];
    for (std::string path = fields[2];;) {
      const std::optional<int64_t> here = limit(root + path, version2);
      if (here && (!least || *here < least->value)) least = {*here, root + path};
      const size_t slash = path.rfind('/');
      if (slash == std::string::npos) break;
      path.resize(slash);
    }
  }
  return least;
}

}  // namespace beak
