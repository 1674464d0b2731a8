#pragma once

#include "absl/status/statusor.h"
#include "engine/formats/onnx/tensor_reader.h"
#include "engine/graph/attribute.h"

namespace beak::onnx_schema {
class AttributeProto;
class NodeProto;
}  // namespace beak::onnx_schema

namespace beak::onnx_format {

// The attributes of a node as the file has them. UNIMPLEMENTED for subgraphs, sparse tensors and types;
// INVALID_ARGUMENT for a missing or unknown type and a name that stands twice. Errors name the attribute.
absl::StatusOr<AttributeMap> ReadAttributes(onnx_schema::NodeProto& node, TensorReader& tensors);

}  // namespace beak::onnx_format
