#include "engine/formats/onnx/attribute_reader.h"

#include <string>
#include <utility>
#include <vector>

#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/schema/onnx_schema.pb.h"

namespace beak::onnx_format {
namespace {

using onnx_schema::AttributeProto;

absl::StatusOr<Attribute> ReadAttribute(AttributeProto& proto, TensorReader& tensors) {
  if (!proto.ref_attr_name().empty()) {
    return absl::InvalidArgumentError("expected a value, got a reference to a function's attribute");
  }
  switch (proto.type()) {
    case AttributeProto::FLOAT:
      return Attribute(proto.f());
    case AttributeProto::INT:
      return Attribute(proto.i());
    case AttributeProto::STRING:
      return Attribute(proto.s());
    case AttributeProto::FLOATS:
      return Attribute(std::vector<float>(proto.floats().begin(), proto.floats().end()));
    case AttributeProto::INTS:
      return Attribute(std::vector<int64_t>(proto.ints().begin(), proto.ints().end()));
    case AttributeProto::STRINGS:
      return Attribute(std::vector<std::string>(proto.strings().begin(), proto.strings().end()));
    case AttributeProto::TENSOR: {
      ASSIGN_OR_RETURN(Tensor tensor, tensors.Read(*proto.mutable_t()));
      return Attribute(std::move(tensor));
    }
    case AttributeProto::GRAPH:
    case AttributeProto::GRAPHS:
      return absl::UnimplementedError("subgraph");
    case AttributeProto::TENSORS:
      return absl::UnimplementedError("list of tensors");
    case AttributeProto::SPARSE_TENSOR:
    case AttributeProto::SPARSE_TENSORS:
      return absl::UnimplementedError("sparse tensor");
    case AttributeProto::TYPE_PROTO:
    case AttributeProto::TYPE_PROTOS:
      return absl::UnimplementedError("type");
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("expected a type of attribute, got ", static_cast<int>(proto.type())));
  }
}

}  // namespace

absl::StatusOr<AttributeMap> ReadAttributes(onnx_schema::NodeProto& node, TensorReader& tensors) {
  AttributeMap attributes;
  for (AttributeProto& proto : *node.mutable_attribute()) {
    if (proto.name().empty() || proto.name().size() > limits::kMaxNameBytes) {
      return absl::InvalidArgumentError(absl::StrCat("attribute: expected a name of 1 to ", limits::kMaxNameBytes,
                                                     " bytes, got ", proto.name().size()));
    }
    absl::StatusOr<Attribute> attribute = ReadAttribute(proto, tensors);
    if (!attribute.ok()) return Annotate(attribute.status(), absl::StrCat("attribute '", proto.name(), "'"));
    if (!attributes.emplace(proto.name(), *std::move(attribute)).second) {
      return absl::InvalidArgumentError(absl::StrCat("attribute '", proto.name(), "': expected once, got twice"));
    }
  }
  return attributes;
}

}  // namespace beak::onnx_format
