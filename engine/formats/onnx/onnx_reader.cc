#include "engine/formats/onnx/onnx_reader.h"

#include <utility>

#include "engine/base/status.h"
#include "engine/formats/onnx/importer.h"
#include "engine/formats/onnx/schema/onnx_schema.pb.h"
#include "engine/formats/onnx/tensor_reader.h"
#include "engine/formats/onnx/wire_limits.h"
#include "engine/graph/verify.h"
#include "engine/ops/op.h"

namespace beak {

absl::StatusOr<Graph> ReadOnnx(std::string bytes, const std::string& folder_for_external_data) {
  RETURN_IF_ERROR(onnx_format::CheckModelWire(bytes));
  onnx_schema::ModelProto model;
  if (!model.ParseFromString(bytes)) return absl::DataLossError("protobuf: truncated, corrupt, or not an ONNX model");
  std::string().swap(bytes);  // the weights now live in `model`
  ASSIGN_OR_RETURN(Graph graph, onnx_format::ImportModel(model, folder_for_external_data));
  RETURN_IF_ERROR(VerifyStructure(graph));
  RETURN_IF_ERROR(VerifyOperators(graph));
  return graph;
}

absl::StatusOr<Tensor> ReadOnnxTensor(std::string bytes) {
  RETURN_IF_ERROR(onnx_format::CheckTensorWire(bytes));
  onnx_schema::TensorProto proto;
  if (!proto.ParseFromString(bytes)) return absl::DataLossError("protobuf: truncated, corrupt, or not an ONNX tensor");
  return onnx_format::TensorReader("").Read(proto);
}

}  // namespace beak
