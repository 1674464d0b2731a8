#include "server/models/datatypes.h"

#include <algorithm>
#include <iterator>

#include "engine/base/check.h"
#include "proto/inference/model_config.pb.h"

namespace beak {
namespace {

struct Row {
  DType dtype;
  inference::DataType data_type;
  const char* name;
};

constexpr Row kRows[] = {
    {DType::kBool, inference::TYPE_BOOL, "BOOL"},       {DType::kUint8, inference::TYPE_UINT8, "UINT8"},
    {DType::kUint16, inference::TYPE_UINT16, "UINT16"}, {DType::kUint32, inference::TYPE_UINT32, "UINT32"},
    {DType::kUint64, inference::TYPE_UINT64, "UINT64"}, {DType::kInt8, inference::TYPE_INT8, "INT8"},
    {DType::kInt16, inference::TYPE_INT16, "INT16"},    {DType::kInt32, inference::TYPE_INT32, "INT32"},
    {DType::kInt64, inference::TYPE_INT64, "INT64"},    {DType::kFloat16, inference::TYPE_FP16, "FP16"},
    {DType::kFloat32, inference::TYPE_FP32, "FP32"},    {DType::kFloat64, inference::TYPE_FP64, "FP64"},
};

const Row& RowOf(DType dtype) {
  const Row* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.dtype == dtype; });
  BEAK_CHECK(row != std::end(kRows));
  return *row;
}

}  // namespace

std::optional<DType> DTypeFromProtocol(int data_type) {
  for (const Row& row : kRows) {
    if (row.data_type == data_type) return row.dtype;
  }
  return std::nullopt;
}

int ToProtocol(DType dtype) { return RowOf(dtype).data_type; }
const char* ProtocolName(DType dtype) { return RowOf(dtype).name; }

}  // namespace beak
