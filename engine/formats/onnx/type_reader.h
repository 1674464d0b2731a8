#pragma once

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"

namespace beak::onnx_schema {
class TypeProto;
}

namespace beak::onnx_format {

// What the file declares of an input or output. Named free dimensions become symbols, unnamed ones and -1 are unknown;
// no shape at all stays absent. UNIMPLEMENTED, by name, for what is not a dense tensor and for element types that we
// lack.
absl::StatusOr<TensorType> ReadType(const onnx_schema::TypeProto& proto);

}  // namespace beak::onnx_format
