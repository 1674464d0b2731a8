#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/tensor/tensor.h"

namespace beak {

// The safetensors format: named tensors behind a JSON header. Source: huggingface/safetensors,
// safetensors/src/tensor.rs

struct SafeTensors {
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

// What `bytes` hold, which nobody needs to have checked. INVALID_ARGUMENT for what is no such file, is cut short, has
// bytes left over, names a tensor twice or an element type that we have not; RESOURCE_EXHAUSTED above the limits.
absl::StatusOr<SafeTensors> ParseSafeTensors(std::string_view bytes);

// The file that holds them: the same bytes for the same contents.
std::string FormatSafeTensors(const SafeTensors& contents);

// The same in pieces, to be written one behind the other: the first is put into `header`, the others are the tensors'
// own bytes. REQUIRES: both outlive the pieces.
std::vector<std::string_view> SafeTensorsPieces(const SafeTensors& contents, std::string& header);

}  // namespace beak
