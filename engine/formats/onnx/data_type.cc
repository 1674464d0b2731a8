#include "engine/formats/onnx/data_type.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "engine/base/status.h"

namespace beak::onnx_format {
namespace {

struct DataType {
  const char* name;
  std::optional<DType> dtype;
};

// TensorProto.DataType, by number.
constexpr DataType kDataTypes[] = {
    {"undefined", std::nullopt},      {"float32", DType::kFloat32}, {"uint8", DType::kUint8},
    {"int8", DType::kInt8},           {"uint16", DType::kUint16},   {"int16", DType::kInt16},
    {"int32", DType::kInt32},         {"int64", DType::kInt64},     {"string", std::nullopt},
    {"bool", DType::kBool},           {"float16", DType::kFloat16}, {"float64", DType::kFloat64},
    {"uint32", DType::kUint32},       {"uint64", DType::kUint64},   {"complex64", std::nullopt},
    {"complex128", std::nullopt},     {"bfloat16", std::nullopt},   {"float8e4m3fn", std::nullopt},
    {"float8e4m3fnuz", std::nullopt}, {"float8e5m2", std::nullopt}, {"float8e5m2fnuz", std::nullopt},
    {"uint4", std::nullopt},          {"int4", std::nullopt},       {"float4e2m1", std::nullopt},
    {"float8e8m0", std::nullopt},     {"uint2", std::nullopt},      {"int2", std::nullopt},
};
constexpr int kNumDataTypes = std::size(kDataTypes);

}  // namespace

absl::StatusOr<DType> DTypeFromOnnx(int data_type) {
  if (data_type <= 0 || data_type >= kNumDataTypes) {
    return absl::InvalidArgumentError(absl::StrCat("element type: expected a number of ONNX, got ", data_type));
  }
  const DataType& type = kDataTypes[data_type];
  if (!type.dtype) return absl::UnimplementedError(absl::StrCat("element type ", type.name));
  return *type.dtype;
}

int DTypeToOnnx(DType dtype) {
  const auto is = [dtype](const DataType& type) { return type.dtype == dtype; };
  return static_cast<int>(std::find_if(std::begin(kDataTypes), std::end(kDataTypes), is) - std::begin(kDataTypes));
}

}  // namespace beak::onnx_format
