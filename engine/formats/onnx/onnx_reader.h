#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/tensor/tensor.h"

namespace beak {

// Translates a serialized ONNX ModelProto (IR versions 3 and up) into a graph of the engine's dialect. All functions
// here are *thread-safe* and touch no file but external weights.
//
// - Every older opset is normalised to the dialect; see normalise.h for what is accepted.
// - Initialisers, Constant nodes and initialisers that are listed as inputs too become constants of the graph; their
// bytes
//   are taken over from the parsed file, not copied.
// - External weights are regular files beneath `folder_for_external_data`, reached without "..", absolute paths or
//   symbolic links; an empty folder refuses them all.
//
// Errors as ReadModelFile. The bytes are consumed.
absl::StatusOr<Graph> ReadOnnx(std::string bytes, const std::string& folder_for_external_data);

// A serialized ONNX TensorProto alone: how ONNX's test cases store inputs and outputs.
absl::StatusOr<Tensor> ReadOnnxTensor(std::string bytes);

}  // namespace beak
