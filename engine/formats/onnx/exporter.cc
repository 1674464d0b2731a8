#include "engine/formats/onnx/exporter.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "engine/base/status.h"
#include "engine/formats/onnx/data_type.h"
#include "engine/formats/onnx/schema/onnx_schema.pb.h"
#include "engine/ops/op.h"

namespace beak::onnx_format {
namespace {

using onnx_schema::AttributeProto;
using onnx_schema::GraphProto;
using onnx_schema::NodeProto;
using onnx_schema::TensorProto;
using onnx_schema::ValueInfoProto;

void ExportType(const TensorType& type, onnx_schema::TensorTypeProto& proto) {
  proto.set_elem_type(DTypeToOnnx(type.dtype));
  if (!type.shape) return;
  auto& shape = *proto.mutable_shape();
  for (const Dim& dim : *type.shape) {
    auto* dim_proto = shape.add_dim();
    if (dim.known()) {
      dim_proto->set_dim_value(dim.value());
    } else if (!dim.symbol().empty()) {
      dim_proto->set_dim_param(dim.symbol());
    }
  }
}

void ExportValue(const Value& value, ValueInfoProto& proto) {
  proto.set_name(value.name);
  ExportType(value.type, *proto.mutable_type()->mutable_tensor_type());
}

absl::Status ExportTensor(const Tensor& tensor, TensorProto& proto) {
  if (!tensor.has_bytes()) return absl::InvalidArgumentError("elements: expected in the graph, got a type and a shape");
  proto.set_data_type(DTypeToOnnx(tensor.dtype()));
  proto.mutable_dims()->Add(tensor.shape().begin(), tensor.shape().end());
  proto.set_raw_data(tensor.bytes(), tensor.byte_size());
  return absl::OkStatus();
}

// Writes one alternative of Attribute.
class AttributeWriter {
 public:
  explicit AttributeWriter(AttributeProto& proto) : proto_(proto) {}

  absl::Status operator()(int64_t value) const {
    proto_.set_i(value);
    return Typed(AttributeProto::INT);
  }
  absl::Status operator()(float value) const {
    proto_.set_f(value);
    return Typed(AttributeProto::FLOAT);
  }
  absl::Status operator()(const std::string& value) const {
    proto_.set_s(value);
    return Typed(AttributeProto::STRING);
  }
  absl::Status operator()(const std::vector<int64_t>& values) const {
    proto_.mutable_ints()->Add(values.begin(), values.end());
    return Typed(AttributeProto::INTS);
  }
  absl::Status operator()(const std::vector<float>& values) const {
    proto_.mutable_floats()->Add(values.begin(), values.end());
    return Typed(AttributeProto::FLOATS);
  }
  absl::Status operator()(const std::vector<std::string>& values) const {
    for (const std::string& value : values) proto_.add_strings(value);
    return Typed(AttributeProto::STRINGS);
  }
  absl::Status operator()(const Tensor& tensor) const {
    RETURN_IF_ERROR(ExportTensor(tensor, *proto_.mutable_t()));
    return Typed(AttributeProto::TENSOR);
  }

 private:
  absl::Status Typed(AttributeProto::AttributeType type) const {
    proto_.set_type(type);
    return absl::OkStatus();
  }

  AttributeProto& proto_;
};

// Where the dialect says it otherwise than the operator set: the attributes that a file has.
absl::StatusOr<AttributeMap> AttributesOf(const Node& node) {
  AttributeMap attributes = node.attributes;
  if (node.op == "Cast") {
    const std::optional<DType> to = ParseDType(node.Get<std::string>("to", ""));
    if (!to) return absl::InvalidArgumentError("attribute 'to': expected an element type");
    attributes["to"] = int64_t{DTypeToOnnx(*to)};
  }
  if (node.op == "Split") {  // either sizes or their number, never both
    const bool has_sizes = node.inputs.size() > 1 && node.inputs[1] != kNoValue;
    attributes.erase("num_outputs");
    if (!has_sizes) attributes["num_outputs"] = static_cast<int64_t>(node.outputs.size());
  }
  const std::string mode = node.Get<std::string>("coordinate_transformation_mode", "");
  if (node.op == "Resize" && mode == "tf_half_pixel_for_nn") {
    return absl::UnimplementedError(
        absl::StrCat("attribute 'coordinate_transformation_mode': opset 22 has no '", mode, "'"));
  }
  return attributes;
}

absl::Status ExportNode(const Graph& graph, const Node& node, NodeProto& proto) {
  const Op* op = FindOp(node.op);
  if (op == nullptr || op->internal) {
    return absl::InvalidArgumentError("operator: expected one of ONNX, got one that only the engine's passes make");
  }
  proto.set_op_type(node.op);
  proto.set_name(node.name);
  for (const ValueId id : node.inputs) proto.add_input(graph.NameOfValue(id));
  for (const ValueId id : node.outputs) proto.add_output(graph.NameOfValue(id));
  ASSIGN_OR_RETURN(const AttributeMap attributes, AttributesOf(node));
  for (const auto& [name, value] : attributes) {
    AttributeProto& attribute = *proto.add_attribute();
    attribute.set_name(name);
    RETURN_IF_ERROR(Annotate(std::visit(AttributeWriter(attribute), value), absl::StrCat("attribute '", name, "'")));
  }
  return absl::OkStatus();
}

absl::Status ExportConstants(const Graph& graph, GraphProto& proto) {
  for (ValueId id = 0; id < graph.num_values(); ++id) {
    const Value& value = graph.value(id);
    if (!value.constant) continue;
    TensorProto& tensor = *proto.add_initializer();
    tensor.set_name(value.name);
    RETURN_IF_ERROR(Annotate(ExportTensor(*value.constant, tensor), absl::StrCat("constant '", value.name, "'")));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status ExportGraph(const Graph& graph, GraphProto& proto) {
  proto.set_name(graph.name().empty() ? "graph" : graph.name());  // the schema wants a name
  RETURN_IF_ERROR(ExportConstants(graph, proto));
  for (const ValueId id : graph.inputs()) ExportValue(graph.value(id), *proto.add_input());
  for (const ValueId id : graph.outputs()) ExportValue(graph.value(id), *proto.add_output());
  for (const Node& node : graph.nodes()) {
    RETURN_IF_ERROR(
        Annotate(ExportNode(graph, node, *proto.add_node()), absl::StrCat("node '", node.name, "' (", node.op, ")")));
  }
  return absl::OkStatus();
}

}  // namespace beak::onnx_format
