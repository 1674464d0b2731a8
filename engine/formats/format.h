#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"

namespace beak {

// Reads a model file of any format that the engine imports, told apart by content, never by name (today: ONNX). The
// graph is in the engine's dialect and has passed VerifyStructure and VerifyOperators. *Thread-safe.* NOT_FOUND;
// DATA_LOSS (truncated, corrupt, or no known format); UNIMPLEMENTED (valid, but something we lack: names node, operator
// and attribute); INVALID_ARGUMENT (breaks the format's rules); RESOURCE_EXHAUSTED (beyond engine/base/limits.h).
absl::StatusOr<Graph> ReadModelFile(const std::string& path);

}  // namespace beak
