#pragma once

#include "absl/status/status.h"
#include "engine/graph/graph.h"

namespace beak::onnx_schema {
class GraphProto;
}

namespace beak::onnx_format {

// Fills `proto` with a graph of the dialect, in the words of the operator set that the dialect is named for. REQUIRES:
// a verified graph whose shapes are inferred. Errors as WriteOnnx, naming constant or node.
absl::Status ExportGraph(const Graph& graph, onnx_schema::GraphProto& proto);

}  // namespace beak::onnx_format
