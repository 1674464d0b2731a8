#include "client/cli/tensors.h"

#include <cstring>
#include <utility>

#include "engine/base/file.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/io/npy.h"

namespace beak::cli {
namespace {

constexpr int64_t kMaxNpyBytes = limits::kMaxTensorBytes + (1 << 20);

}  // namespace

wire::Datatype ToDatatype(DType dtype) {
  switch (dtype) {
    case DType::kBool:
      return wire::Datatype::kBool;
    case DType::kUint8:
      return wire::Datatype::kUint8;
    case DType::kInt8:
      return wire::Datatype::kInt8;
    case DType::kUint16:
      return wire::Datatype::kUint16;
    case DType::kInt16:
      return wire::Datatype::kInt16;
    case DType::kUint32:
      return wire::Datatype::kUint32;
    case DType::kInt32:
      return wire::Datatype::kInt32;
    case DType::kUint64:
      return wire::Datatype::kUint64;
    case DType::kInt64:
      return wire::Datatype::kInt64;
    case DType::kFloat16:
      return wire::Datatype::kFp16;
    case DType::kFloat32:
      return wire::Datatype::kFp32;
    case DType::kFloat64:
      return wire::Datatype::kFp64;
  }
  return wire::Datatype::kFp32;
}

std::optional<DType> ToDType(wire::Datatype datatype) {
  for (int i = 0; i <= static_cast<int>(DType::kFloat64); ++i) {
    if (ToDatatype(static_cast<DType>(i)) == datatype) return static_cast<DType>(i);
  }
  return std::nullopt;
}

absl::StatusOr<client::TensorValue> ToTensorValue(const std::string& name, const Tensor& tensor) {
  std::string bytes(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size());
  return client::TensorValue::FromBytes(name, ToDatatype(tensor.dtype()), tensor.shape(), std::move(bytes));
}

absl::StatusOr<Tensor> ToTensor(const client::TensorValue& value) {
  const std::optional<DType> dtype = ToDType(value.datatype());
  if (!dtype) {
    return absl::InvalidArgumentError(absl::StrCat("tensor '", value.name(), "': expected numbers or bools, got ",
                                                   wire::Describe(value.datatype()).name));
  }
  ASSIGN_OR_RETURN(const int64_t bytes, CheckedByteSize(value.shape(), *dtype));
  if (static_cast<size_t>(bytes) != value.bytes().size()) {
    return absl::InternalError(absl::StrCat("tensor '", value.name(), "': bytes and shape disagree"));
  }
  return Tensor::FromBuffer(*dtype, value.shape(), Buffer::Adopt(value.bytes()));
}

absl::StatusOr<Tensor> Stack(const std::vector<Tensor>& rows) {
  Shape shape = rows[0].shape();
  shape.insert(shape.begin(), static_cast<int64_t>(rows.size()));
  ASSIGN_OR_RETURN(Tensor result, Tensor::Create(rows[0].dtype(), std::move(shape)));
  std::byte* out = result.mutable_bytes();
  for (const Tensor& row : rows) {
    BEAK_CHECK(row.dtype() == rows[0].dtype() && row.shape() == rows[0].shape());
    if (row.byte_size() > 0) std::memcpy(out, row.bytes(), row.byte_size());
    out += row.byte_size();
  }
  return result;
}

std::optional<std::pair<std::string, std::string>> SplitAssignment(const std::string& text) {
  const size_t sign = text.find('=');
  if (sign == std::string::npos || sign == 0 || sign + 1 == text.size()) return std::nullopt;
  return std::pair(text.substr(0, sign), text.substr(sign + 1));
}

absl::StatusOr<std::vector<client::TensorValue>> ReadNpyInputs(const std::vector<std::string>& assignments) {
  std::vector<client::TensorValue> inputs;
  for (const std::string& assignment : assignments) {
    const auto parts = SplitAssignment(assignment);
    if (!parts) return absl::InvalidArgumentError("--input: expected NAME=FILE.npy");
    ASSIGN_OR_RETURN(const std::string bytes, ReadFile(parts->second, kMaxNpyBytes));
    const absl::StatusOr<Tensor> tensor = ParseNpy(bytes);
    if (!tensor.ok()) return Annotate(tensor.status(), parts->second);
    ASSIGN_OR_RETURN(inputs.emplace_back(), ToTensorValue(parts->first, *tensor));
  }
  return inputs;
}

}  // namespace beak::cli
