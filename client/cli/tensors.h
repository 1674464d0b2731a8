#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/tensor_value.h"
#include "engine/tensor/tensor.h"

// Tensors as files have them to and from tensors as they travel. Pure, but for reading files.
namespace beak::cli {

// The element type of the protocol that is `dtype`, and back; BYTES and BF16 have none.
wire::Datatype ToDatatype(DType dtype);
std::optional<DType> ToDType(wire::Datatype datatype);

absl::StatusOr<client::TensorValue> ToTensorValue(const std::string& name, const Tensor& tensor);

// INVALID_ARGUMENT for BYTES and BF16.
absl::StatusOr<Tensor> ToTensor(const client::TensorValue& value);

// Tensors of one type and shape as the rows of a new first dimension. REQUIRES: at least one, and all alike.
absl::StatusOr<Tensor> Stack(const std::vector<Tensor>& rows);

// "NAME=FILE" -> its parts; nullopt where either is missing.
std::optional<std::pair<std::string, std::string>> SplitAssignment(const std::string& text);

// Reads the files of "NAME=FILE.npy" assignments. Errors name the file.
absl::StatusOr<std::vector<client::TensorValue>> ReadNpyInputs(const std::vector<std::string>& assignments);

}  // namespace beak::cli
