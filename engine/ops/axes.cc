#include "engine/ops/axes.h"

#include <algorithm>
#include <numeric>

#include "engine/base/status.h"
#include "engine/tensor/shape.h"

namespace beak {

absl::StatusOr<std::vector<int>> ResolveAxes(const std::vector<int64_t>& axes, int rank) {
  std::vector<int> resolved;
  std::vector<bool> seen(rank);
  for (const int64_t axis : axes) {
    ASSIGN_OR_RETURN(const int normal, NormalizeAxis(axis, rank));
    if (seen[normal]) return absl::InvalidArgumentError(absl::StrCat("axes: expected each once, got ", axis, " twice"));
    seen[normal] = true;
    resolved.push_back(normal);
  }
  return resolved;
}

absl::StatusOr<std::vector<int>> ResolveReduceAxes(const Node& node, const std::optional<std::vector<int64_t>>& axes,
                                                   int rank) {
  std::vector<int> resolved;
  if (axes && !axes->empty()) {
    ASSIGN_OR_RETURN(resolved, ResolveAxes(*axes, rank));
    std::sort(resolved.begin(), resolved.end());
  } else if (node.Get<int64_t>("noop_with_empty_axes", 0) == 0) {
    resolved.resize(rank);
    std::iota(resolved.begin(), resolved.end(), 0);
  }
  return resolved;
}

}  // namespace beak
