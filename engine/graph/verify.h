#pragma once

#include "absl/status/status.h"
#include "engine/graph/graph.h"

namespace beak {

// Checks what every graph must hold, whatever its operators: ids in range, SSA (one definition a value), definitions
// before uses, outputs defined, no output or input named twice, constants whose type agrees with their bytes, limits.
// INVALID_ARGUMENT naming the node and value. Operators and attributes are checked by ops (VerifyOperators).
absl::Status VerifyStructure(const Graph& graph);

}  // namespace beak
