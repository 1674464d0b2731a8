#pragma once

#include <string>

#include "absl/status/status.h"

namespace beak::onnx_format {

// Walks the wire form of a ModelProto or TensorProto without building anything and refuses what would grow far beyond
// the file's own size once it is parsed: an empty node takes 2 bytes in a file and a hundred in memory.
// RESOURCE_EXHAUSTED above the limits, DATA_LOSS where the wire form is broken.
absl::Status CheckModelWire(const std::string& bytes);
absl::Status CheckTensorWire(const std::string& bytes);

}  // namespace beak::onnx_format
