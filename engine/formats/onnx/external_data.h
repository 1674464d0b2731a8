#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/tensor/buffer.h"

namespace beak::onnx_format {

// Where a tensor's bytes lie when they are not in the model file.
struct ExternalLocation {
  std::string path;     // relative to the model's folder, "/" between components
  int64_t offset = 0;   // bytes
  int64_t length = -1;  // bytes; -1 where the file does not say
};

// Reads `size` bytes from a file beneath `folder`. A model file may come from anywhere, so it must not be able to name
// any other file of the machine: INVALID_ARGUMENT for an absolute or empty path, "." or ".." components, symbolic links
// below the folder, anything that is not a regular file, and a length other than `size`; NOT_FOUND; DATA_LOSS where the
// file ends too early.
absl::StatusOr<std::shared_ptr<Buffer>> ReadExternalData(const std::string& folder, const ExternalLocation& location,
                                                         int64_t size);

}  // namespace beak::onnx_format
