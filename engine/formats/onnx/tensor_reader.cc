#include "engine/formats/onnx/tensor_reader.h"

#include <algorithm>
#include <climits>
#include <cstring>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/data_type.h"
#include "engine/formats/onnx/external_data.h"
#include "engine/formats/onnx/schema/onnx_schema.pb.h"

namespace beak::onnx_format {
namespace {

using onnx_schema::TensorProto;

// Below this a copy costs nothing and gives the alignment of Buffer::Allocate.
constexpr int64_t kAdoptBytes = 4096;

// Any byte but 0 is true; a C++ bool must be 0 or 1.
void MakeBools(Tensor& tensor) {
  auto* bytes = reinterpret_cast<uint8_t*>(tensor.mutable_bytes());
  for (size_t i = 0; i < tensor.byte_size(); ++i) bytes[i] = bytes[i] != 0;
}

absl::StatusOr<Tensor> FromRaw(TensorProto& proto, DType dtype, Shape shape, int64_t byte_size) {
  if (static_cast<int64_t>(proto.raw_data().size()) != byte_size) {
    return absl::DataLossError(absl::StrCat("raw data: expected ", byte_size, " bytes, got ", proto.raw_data().size()));
  }
  if (byte_size >= kAdoptBytes) {
    return Tensor::FromBuffer(dtype, std::move(shape), Buffer::Adopt(std::move(*proto.mutable_raw_data())));
  }
  std::shared_ptr<Buffer> buffer = Buffer::Allocate(static_cast<size_t>(byte_size));
  std::copy_n(reinterpret_cast<const std::byte*>(proto.raw_data().data()), byte_size, buffer->data());
  return Tensor::FromBuffer(dtype, std::move(shape), std::move(buffer));
}

template <typename T, typename Values>
absl::StatusOr<Tensor> FromValues(const Values& values, DType dtype, Shape shape) {
  if (values.size() != NumElements(shape)) {
    return absl::DataLossError(absl::StrCat("values: expected ", NumElements(shape), ", got ", values.size()));
  }
  ASSIGN_OR_RETURN(Tensor tensor, Tensor::Create(dtype, std::move(shape)));
  std::transform(values.begin(), values.end(), tensor.mutable_values<T>().begin(),
                 [](auto value) { return static_cast<T>(value); });
  return tensor;
}

// Which typed field holds which element type is ONNX's choice: small integers and the bits of float16 are int32_data.
absl::StatusOr<Tensor> FromTyped(const TensorProto& proto, DType dtype, Shape shape) {
  switch (dtype) {
    case DType::kFloat32:
      return FromValues<float>(proto.float_data(), dtype, std::move(shape));
    case DType::kFloat64:
      return FromValues<double>(proto.double_data(), dtype, std::move(shape));
    case DType::kInt64:
      return FromValues<int64_t>(proto.int64_data(), dtype, std::move(shape));
    case DType::kUint64:
      return FromValues<uint64_t>(proto.uint64_data(), dtype, std::move(shape));
    case DType::kUint32:
      return FromValues<uint32_t>(proto.uint64_data(), dtype, std::move(shape));
    default:
      return DispatchDType(dtype, [&]<typename T>() -> absl::StatusOr<Tensor> {
        return FromValues<T>(proto.int32_data(), dtype, std::move(shape));
      });
  }
}

bool HasTypedValues(const TensorProto& proto) {
  return !proto.float_data().empty() || !proto.double_data().empty() || !proto.int32_data().empty() ||
         !proto.int64_data().empty() || !proto.uint64_data().empty();
}

absl::StatusOr<int64_t> ParseBytes(const std::string& key, const std::string& text) {
  int64_t value;
  if (!absl::SimpleAtoi(text, &value) || value < 0) {
    return absl::InvalidArgumentError(absl::StrCat("external data: expected a number of bytes as '", key, "'"));
  }
  return value;
}

absl::StatusOr<ExternalLocation> ReadLocation(const TensorProto& proto) {
  ExternalLocation location;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location.path = entry.value();
    if (entry.key() == "offset") {
      ASSIGN_OR_RETURN(location.offset, ParseBytes(entry.key(), entry.value()));
    }
    if (entry.key() == "length") {
      ASSIGN_OR_RETURN(location.length, ParseBytes(entry.key(), entry.value()));
    }
  }
  if (location.path.empty() || location.path.size() > PATH_MAX) {
    return absl::InvalidArgumentError("external data: expected a path as 'location'");
  }
  return location;
}

absl::StatusOr<Tensor> FromExternal(const TensorProto& proto, const std::string& folder, DType dtype, Shape shape,
                                    int64_t byte_size) {
  ASSIGN_OR_RETURN(const ExternalLocation location, ReadLocation(proto));
  ASSIGN_OR_RETURN(std::shared_ptr<Buffer> buffer, ReadExternalData(folder, location, byte_size));
  return Tensor::FromBuffer(dtype, std::move(shape), std::move(buffer));
}

absl::StatusOr<Tensor> ReadElements(TensorProto& proto, const std::string& folder, DType dtype, Shape shape,
                                    int64_t byte_size) {
  const bool external = proto.data_location() == TensorProto::EXTERNAL;
  if (external + proto.has_raw_data() + HasTypedValues(proto) > 1) {
    return absl::InvalidArgumentError("values: expected in one field, got several");
  }
  if (external) return FromExternal(proto, folder, dtype, std::move(shape), byte_size);
  if (proto.has_raw_data()) return FromRaw(proto, dtype, std::move(shape), byte_size);
  return FromTyped(proto, dtype, std::move(shape));
}

}  // namespace

absl::StatusOr<Tensor> TensorReader::Read(TensorProto& proto) {
  ASSIGN_OR_RETURN(const DType dtype, DTypeFromOnnx(proto.data_type()));
  if (proto.has_segment()) return absl::UnimplementedError("segmented tensor");
  Shape shape(proto.dims().begin(), proto.dims().end());
  ASSIGN_OR_RETURN(const int64_t byte_size, CheckedByteSize(shape, dtype));
  total_bytes_ += byte_size;
  if (total_bytes_ > limits::kMaxModelWeightsBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("weights: expected at most ", limits::kMaxModelWeightsBytes, " bytes in all"));
  }
  ASSIGN_OR_RETURN(Tensor tensor, ReadElements(proto, folder_, dtype, std::move(shape), byte_size));
  if (dtype == DType::kBool) MakeBools(tensor);
  return tensor;
}

}  // namespace beak::onnx_format
