#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"

namespace beak {

// What written files declare: the operator set is the engine's dialect's (ops/op.h), the IR version the one that came
// with it.
inline constexpr int kOnnxOpset = 22;
inline constexpr int kOnnxIrVersion = 10;

// What a file says besides the graph.
struct OnnxWriteOptions {
  std::string producer_version;
  std::string doc_string;                       // for people
  std::map<std::string, std::string> metadata;  // metadata_props, in the order of their keys
};

// A serialized ONNX ModelProto of the graph: constants as initializers with raw data, symbols as dim_param, outputs
// with the types that shape inference finds (where even the rank depends on data without a shape, which runtimes take
// and ONNX's checker does not). The same graph and options give the same bytes; what ReadOnnx reads of them is the
// graph again, without values that nothing uses, and named "graph" where it had no name. *Thread-safe.*
//
// INVALID_ARGUMENT where the graph is not valid, has an operator that only passes make (Op::internal), or a constant
// without bytes; UNIMPLEMENTED for what the operator set has no word for; RESOURCE_EXHAUSTED above 2 GiB, protobuf's
// limit.
absl::StatusOr<std::string> WriteOnnx(const Graph& graph, const OnnxWriteOptions& options = {});

}  // namespace beak
