#include "engine/formats/onnx/onnx_writer.h"

#include <climits>
#include <cstdint>

#include "engine/base/status.h"
#include "engine/formats/onnx/exporter.h"
#include "engine/formats/onnx/schema/onnx_schema.pb.h"
#include "engine/graph/verify.h"
#include "engine/ops/op.h"

namespace beak {
namespace {

absl::Status CheckSize(int64_t bytes) {
  if (bytes <= INT_MAX) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("file: expected at most ", INT_MAX, " bytes, the limit of protobuf, got ", bytes));
}

// Before anything is copied.
absl::Status CheckWeights(const Graph& graph) {
  int64_t bytes = 0;
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    if (const Tensor* constant = graph.ConstantOf(id)) bytes += static_cast<int64_t>(constant->byte_size());
    RETURN_IF_ERROR(CheckSize(bytes));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> WriteOnnx(const Graph& graph, const OnnxWriteOptions& options) {
  RETURN_IF_ERROR(VerifyStructure(graph));
  RETURN_IF_ERROR(CheckWeights(graph));
  Graph typed = graph;  // shares the weights
  typed.Compact();
  RETURN_IF_ERROR(InferShapes(typed));

  onnx_schema::ModelProto model;
  model.set_ir_version(kOnnxIrVersion);
  model.set_producer_name("beak");
  model.set_producer_version(options.producer_version);
  model.set_doc_string(options.doc_string);
  model.add_opset_import()->set_version(kOnnxOpset);
  for (const auto& [key, value] : options.metadata) {
    auto* entry = model.add_metadata_props();
    entry->set_key(key);
    entry->set_value(value);
  }
  RETURN_IF_ERROR(onnx_format::ExportGraph(typed, *model.mutable_graph()));
  RETURN_IF_ERROR(CheckSize(static_cast<int64_t>(model.ByteSizeLong())));
  return model.SerializeAsString();
}

}  // namespace beak
