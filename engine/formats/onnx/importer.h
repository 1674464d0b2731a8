#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"

namespace beak::onnx_schema {
class ModelProto;
}

namespace beak::onnx_format {

// Builds the dialect's graph of a parsed model, taking the weights out of it. Names, nodes and their order are checked
// as far as the translation needs; the caller verifies the result.
absl::StatusOr<Graph> ImportModel(onnx_schema::ModelProto& model, const std::string& folder_for_external_data);

}  // namespace beak::onnx_format
