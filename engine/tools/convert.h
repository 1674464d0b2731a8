#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace beak::tools {

struct ConvertOptions {
  std::string file;
  std::string output;  // .onnx file to write
};

// `beak-model convert`: reads a model file of any format and writes it as ONNX of the operator set that the engine
// speaks (formats/onnx/onnx_writer.h), whole or not at all.
absl::Status Convert(const ConvertOptions& options, std::ostream& out);

}  // namespace beak::tools
