#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"

namespace beak {

// The axes that operators are given as lists, resolved. Pure functions.

// Each as 0..rank-1, in the given order; INVALID_ARGUMENT for one that is out of range or named twice.
absl::StatusOr<std::vector<int>> ResolveAxes(const std::vector<int64_t>& axes, int rank);

// What ReduceMean, ReduceSum and ReduceMax run over, ascending. Without axes that is every one, or none when the node
// says noop_with_empty_axes.
absl::StatusOr<std::vector<int>> ResolveReduceAxes(const Node& node, const std::optional<std::vector<int64_t>>& axes,
                                                   int rank);

}  // namespace beak
