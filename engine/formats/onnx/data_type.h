#pragma once

#include "absl/status/statusor.h"
#include "engine/tensor/dtype.h"

namespace beak::onnx_format {

// The element type that ONNX numbers `data_type` (TensorProto.DataType). UNIMPLEMENTED, by name, for those we lack
// (string, bfloat16 ...); INVALID_ARGUMENT for a number that ONNX does not have.
absl::StatusOr<DType> DTypeFromOnnx(int data_type);

// ONNX's number for an element type; every one of ours has one.
int DTypeToOnnx(DType dtype);

}  // namespace beak::onnx_format
