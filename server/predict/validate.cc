#include "server/predict/validate.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "server/models/datatypes.h"

namespace beak {
namespace {

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

std::string Place(const char* kind, std::string_view name) { return absl::StrCat(kind, " '", View(name), "'"); }

int IndexOf(const std::vector<TensorSignature>& tensors, std::string_view name) {
  const auto it =
      std::find_if(tensors.begin(), tensors.end(), [&](const TensorSignature& t) { return t.name == name; });
  return it == tensors.end() ? -1 : static_cast<int>(it - tensors.begin());
}

std::string Names(const std::vector<TensorSignature>& tensors) {
  return absl::StrJoin(tensors, ", ", [](std::string* out, const TensorSignature& tensor) {
    absl::StrAppend(out, "'", tensor.name, "'");
  });
}

// The shape that clients give, -1 where it is free.
std::string ExpectedShape(const Signature& signature, const TensorSignature& tensor) {
  std::vector<int64_t> dims = tensor.dims;
  if (signature.batched()) dims.insert(dims.begin(), kFreeDim);
  return ToString(dims);
}

absl::Status CheckShape(const Signature& signature, bool split, const TensorSignature& tensor,
                        const std::vector<int64_t>& shape) {
  const size_t leading = signature.batched() ? 1 : 0;
  const bool fits =
      shape.size() == tensor.dims.size() + leading &&
      std::equal(tensor.dims.begin(), tensor.dims.end(), shape.begin() + static_cast<std::ptrdiff_t>(leading),
                 [](int64_t expected, int64_t got) { return got >= 1 && (expected == kFreeDim || expected == got); });
  if (!fits) {
    return absl::InvalidArgumentError(
        absl::StrCat("shape: expected ", ExpectedShape(signature, tensor), ", got ", ToString(shape)));
  }
  const int64_t max_rows =
      split ? std::max<int64_t>(kMaxRequestRows, signature.max_batch_size) : signature.max_batch_size;
  if (signature.batched() && (shape[0] < 1 || shape[0] > max_rows)) {
    return absl::InvalidArgumentError(absl::StrCat("batch size: expected 1 to ", max_rows, ", got ", shape[0]));
  }
  return absl::OkStatus();
}

absl::Status CheckInput(const Signature& signature, bool split, const TensorSignature& tensor,
                        const InputTensor& input) {
  if (input.dtype != tensor.dtype) {
    return absl::InvalidArgumentError(absl::StrCat("datatype: expected ", ProtocolName(tensor.dtype), ", got ",
                                                   input.dtype ? ProtocolName(*input.dtype) : "another"));
  }
  RETURN_IF_ERROR(CheckShape(signature, split, tensor, input.shape));
  ASSIGN_OR_RETURN(const int64_t bytes, CheckedByteSize(input.shape, tensor.dtype));
  if (input.data.size() == static_cast<size_t>(bytes)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", bytes, " bytes for shape ", ToString(input.shape), ", got ", input.data.size()));
}

Shape NetworkRowShape(const Signature& signature, const TensorSignature& tensor, const std::vector<int64_t>& shape) {
  if (!signature.batched()) return MapDims(shape, tensor.dims, tensor.network_dims);
  return MapDims({shape.begin() + 1, shape.end()}, tensor.dims, tensor.network_dims);
}

absl::Status TakeInputs(const Signature& signature, bool split, const std::vector<InputTensor>& inputs,
                        ValidRequest* valid) {
  std::vector<const InputTensor*> given(signature.inputs.size());
  for (const InputTensor& input : inputs) {
    const int index = IndexOf(signature.inputs, input.name);
    if (index < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(Place("input", input.name), ": expected one of ", Names(signature.inputs)));
    }
    if (given[static_cast<size_t>(index)]) {
      return absl::InvalidArgumentError(absl::StrCat(Place("input", input.name), ": expected once, got it twice"));
    }
    given[static_cast<size_t>(index)] = &input;
  }
  for (size_t i = 0; i < given.size(); ++i) {
    const TensorSignature& tensor = signature.inputs[i];
    if (!given[i]) return absl::InvalidArgumentError(absl::StrCat(Place("input", tensor.name), ": expected, got none"));
    RETURN_IF_ERROR(Annotate(CheckInput(signature, split, tensor, *given[i]), Place("input", tensor.name)));
    valid->row_shapes.push_back(NetworkRowShape(signature, tensor, given[i]->shape));
    valid->data.push_back(given[i]->data);
  }
  return absl::OkStatus();
}

// All inputs of a batched model have the same number of rows.
absl::Status CountRows(const Signature& signature, const std::vector<InputTensor>& inputs, ValidRequest* valid) {
  if (!signature.batched() || inputs.empty()) return absl::OkStatus();
  const auto rows = [&](const TensorSignature& tensor) {
    const auto same_name = [&](const InputTensor& input) { return input.name == tensor.name; };
    return std::find_if(inputs.begin(), inputs.end(), same_name)->shape[0];
  };
  const TensorSignature& first = signature.inputs[0];
  valid->rows = rows(first);
  for (const TensorSignature& tensor : signature.inputs) {
    if (rows(tensor) == valid->rows) continue;
    return absl::InvalidArgumentError(absl::StrCat(Place("input", tensor.name), ": batch size: expected ", valid->rows,
                                                   " as for ", Place("input", first.name), ", got ", rows(tensor)));
  }
  return absl::OkStatus();
}

absl::Status TakeOutputs(const Signature& signature, const std::vector<RequestedOutput>& outputs, ValidRequest* valid) {
  std::vector<bool> taken(signature.outputs.size());
  for (const RequestedOutput& output : outputs) {
    const int index = IndexOf(signature.outputs, output.name);
    if (index < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(Place("output", output.name), ": expected one of ", Names(signature.outputs)));
    }
    if (taken[static_cast<size_t>(index)]) {
      return absl::InvalidArgumentError(absl::StrCat(Place("output", output.name), ": expected once, got it twice"));
    }
    taken[static_cast<size_t>(index)] = true;
    valid->outputs.push_back({index, output.classes});
  }
  if (!valid->outputs.empty()) return absl::OkStatus();
  for (size_t i = 0; i < taken.size(); ++i) valid->outputs.push_back({static_cast<int>(i), 0});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ValidRequest> Validate(const Signature& signature, bool split, const std::vector<InputTensor>& inputs,
                                      const std::vector<RequestedOutput>& outputs) {
  ValidRequest valid;
  RETURN_IF_ERROR(TakeInputs(signature, split, inputs, &valid));
  RETURN_IF_ERROR(CountRows(signature, inputs, &valid));
  RETURN_IF_ERROR(TakeOutputs(signature, outputs, &valid));
  return valid;
}

}  // namespace beak
