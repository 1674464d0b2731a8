#include "engine/formats/onnx/importer.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/formats/onnx/attribute_reader.h"
#include "engine/formats/onnx/normalise.h"
#include "engine/formats/onnx/schema/onnx_schema.pb.h"
#include "engine/formats/onnx/tensor_reader.h"
#include "engine/formats/onnx/type_reader.h"

namespace beak::onnx_format {
namespace {

using onnx_schema::GraphProto;
using onnx_schema::ModelProto;
using onnx_schema::NodeProto;

constexpr int kOldestIrVersion = 3;

bool IsDefaultDomain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

absl::Status CheckName(const std::string& name, const std::string& what) {
  if (!name.empty() && name.size() <= limits::kMaxNameBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": expected a name of 1 to ", limits::kMaxNameBytes, " bytes, got ", name.size()));
}

// The version of the default operator set; 0 for a model that imports other domains only.
absl::StatusOr<int> ReadOpset(const ModelProto& model) {
  std::optional<int64_t> version;
  for (const auto& import : model.opset_import()) {
    if (!IsDefaultDomain(import.domain())) continue;
    if (version && *version != import.version()) {
      return absl::InvalidArgumentError("opset_import: expected one version of the default domain, got two");
    }
    version = import.version();
  }
  if (!version && model.opset_import_size() > 0) return 0;
  if (!version) return absl::InvalidArgumentError("opset_import: expected a version of the default domain, got none");
  if (*version < kOldestOpset || *version > kNewestOpset) {
    return absl::UnimplementedError(
        absl::StrCat("opset_import: expected a version from ", kOldestOpset, " to ", kNewestOpset, ", got ", *version));
  }
  return static_cast<int>(*version);
}

absl::Status CheckModel(const ModelProto& model) {
  // Any bytes that happen to parse get this far; a model has both.
  if (model.ir_version() == 0 || !model.has_graph()) return absl::DataLossError("not an ONNX model");
  if (model.ir_version() < kOldestIrVersion) {
    return absl::UnimplementedError(
        absl::StrCat("ir_version: expected ", kOldestIrVersion, " or newer, got ", model.ir_version()));
  }
  if (!model.graph().sparse_initializer().empty()) return absl::UnimplementedError("sparse initializer");
  if (model.graph().node_size() > limits::kMaxGraphNodes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("graph: expected at most ", limits::kMaxGraphNodes, " nodes, got ", model.graph().node_size()));
  }
  return absl::OkStatus();
}

// The tensor that a Constant node holds, in whichever of its attributes.
absl::StatusOr<Tensor> ConstantValue(Translation& t) {
  if (t.node.attributes.size() != 1) {
    return absl::InvalidArgumentError(absl::StrCat("attributes: expected one value, got ", t.node.attributes.size()));
  }
  const auto& [name, value] = *t.node.attributes.begin();
  if (name == "value_string" || name == "value_strings") {
    return absl::UnimplementedError(absl::StrCat("attribute '", name, "': strings"));
  }
  if (name == "value") {
    ASSIGN_OR_RETURN(std::optional<Tensor> tensor, t.Take<Tensor>(name));
    return *std::move(tensor);
  }
  if (name == "value_float") {
    ASSIGN_OR_RETURN(const std::optional<float> scalar, t.Take<float>(name));
    return Tensor::Scalar<float>(*scalar);
  }
  if (name == "value_int") {
    ASSIGN_OR_RETURN(const std::optional<int64_t> scalar, t.Take<int64_t>(name));
    return Tensor::Scalar<int64_t>(*scalar);
  }
  if (name == "value_floats") {
    ASSIGN_OR_RETURN(const std::optional<std::vector<float>> list, t.Take<std::vector<float>>(name));
    return Tensor::Of<float>({static_cast<int64_t>(list->size())}, *list);
  }
  if (name == "value_ints") {
    ASSIGN_OR_RETURN(const std::optional<std::vector<int64_t>> list, t.Take<std::vector<int64_t>>(name));
    return Tensor::Of<int64_t>({static_cast<int64_t>(list->size())}, *list);
  }
  return absl::UnimplementedError(absl::StrCat("unknown attribute '", name, "'"));
}

// "" is a value that is left out.
ValueId FindOptional(const Graph& graph, const std::string& name) {
  return name.empty() ? kNoValue : graph.FindValue(name);
}

class Importer {
 public:
  Importer(const GraphProto& proto, int opset, const std::string& folder)
      : opset_(opset), graph_(proto.name()), tensors_(folder) {}

  absl::StatusOr<Graph> Import(ModelProto& model) {
    GraphProto& proto = *model.mutable_graph();
    for (const auto& function : model.functions()) functions_.emplace(function.domain(), function.name());
    // Every name of the file is taken before a normaliser makes up one of its own.
    for (auto& initializer : *proto.mutable_initializer()) {
      RETURN_IF_ERROR(CheckName(initializer.name(), "initializer"));
      RETURN_IF_ERROR(Annotate(AddInitializer(initializer), absl::StrCat("initializer '", initializer.name(), "'")));
    }
    for (const auto& input : proto.input()) {
      RETURN_IF_ERROR(CheckName(input.name(), "input"));
      RETURN_IF_ERROR(Annotate(AddInput(input), absl::StrCat("input '", input.name(), "'")));
    }
    for (const auto& node : proto.node()) RETURN_IF_ERROR(AddOutputsOf(node));
    MarkRead(proto);
    for (auto& node : *proto.mutable_node()) {
      RETURN_IF_ERROR(Annotate(AddNode(node), absl::StrCat("node '", NameOf(node), "' (", node.op_type(), ")")));
    }
    for (const auto& output : proto.output()) {
      RETURN_IF_ERROR(CheckName(output.name(), "output"));
      RETURN_IF_ERROR(Annotate(AddOutput(output), absl::StrCat("output '", output.name(), "'")));
    }
    graph_.Compact();
    return std::move(graph_);
  }

 private:
  // Many exporters leave nodes without a name; their first output has one.
  static std::string NameOf(const NodeProto& proto) {
    return proto.name().empty() && proto.output_size() > 0 ? proto.output(0) : proto.name();
  }

  absl::Status CheckNew(const std::string& name) const {
    if (graph_.FindValue(name) == kNoValue) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("value '", name, "': expected one definition, got a second one"));
  }

  absl::Status AddInitializer(onnx_schema::TensorProto& proto) {
    RETURN_IF_ERROR(CheckNew(proto.name()));
    ASSIGN_OR_RETURN(Tensor tensor, tensors_.Read(proto));
    graph_.AddConstant(proto.name(), std::move(tensor));
    return absl::OkStatus();
  }

  // Old exporters list initializers as inputs too; those stay constants.
  absl::Status AddInput(const onnx_schema::ValueInfoProto& proto) {
    const ValueId id = graph_.FindValue(proto.name());
    if (graph_.ConstantOf(id) != nullptr) return absl::OkStatus();
    RETURN_IF_ERROR(CheckNew(proto.name()));
    ASSIGN_OR_RETURN(TensorType type, ReadType(proto.type()));
    if (!type.shape) return absl::UnimplementedError("shape: expected a known number of dimensions, got none");
    graph_.AddInput(proto.name(), std::move(type));
    return absl::OkStatus();
  }

  absl::Status AddOutputsOf(const NodeProto& proto) {
    for (const std::string& name : proto.output()) {
      if (name.empty()) continue;
      RETURN_IF_ERROR(CheckName(name, "output of a node"));
      RETURN_IF_ERROR(CheckNew(name));
      graph_.AddValue(name);
    }
    return absl::OkStatus();
  }

  void MarkRead(const GraphProto& proto) {
    read_.resize(graph_.num_values());
    const auto mark = [this](const std::string& name) {
      const ValueId id = graph_.FindValue(name);
      if (id != kNoValue) read_[id] = true;
    };
    for (const NodeProto& node : proto.node()) std::for_each(node.input().begin(), node.input().end(), mark);
    for (const auto& output : proto.output()) mark(output.name());
  }

  absl::Status AddNode(NodeProto& proto) {
    RETURN_IF_ERROR(CheckKnown(proto));
    Node node{NameOf(proto), proto.op_type(), {}, {}, {}};
    for (const std::string& name : proto.input()) {
      node.inputs.push_back(FindOptional(graph_, name));
      if (node.inputs.back() == kNoValue && !name.empty()) return UndefinedInput(name);
    }
    for (const std::string& name : proto.output()) node.outputs.push_back(FindOptional(graph_, name));
    ASSIGN_OR_RETURN(node.attributes, ReadAttributes(proto, tensors_));
    Translation translation(graph_, std::move(node), opset_, read_);
    if (proto.op_type() == "Constant") return AddConstant(translation);
    RETURN_IF_ERROR(NormaliseNode(translation));
    AddTranslated(std::move(translation.node));
    return absl::OkStatus();
  }

  absl::Status CheckKnown(const NodeProto& proto) const {
    if (proto.name().size() > limits::kMaxNameBytes || proto.op_type().size() > limits::kMaxNameBytes) {
      return absl::InvalidArgumentError("name: too long");
    }
    if (functions_.count({proto.domain(), proto.op_type()}) != 0) {
      return absl::UnimplementedError(absl::StrCat("function of the model, domain '", proto.domain(), "'"));
    }
    if (!IsDefaultDomain(proto.domain())) {
      return absl::UnimplementedError(absl::StrCat("unknown domain '", proto.domain(), "'"));
    }
    if (opset_ == 0) {
      return absl::InvalidArgumentError("opset_import: expected a version of the default domain, got none");
    }
    return absl::OkStatus();
  }

  static absl::Status UndefinedInput(const std::string& name) {
    return absl::InvalidArgumentError(absl::StrCat("input '", name, "': expected a value of the graph, got none"));
  }

  absl::Status AddConstant(Translation& translation) {
    const Node& node = translation.node;
    if (!node.inputs.empty() || node.outputs.size() != 1 || node.outputs[0] == kNoValue) {
      return absl::InvalidArgumentError("expected no inputs and one output");
    }
    const ValueId id = node.outputs[0];
    ASSIGN_OR_RETURN(Tensor tensor, ConstantValue(translation));
    Value& value = graph_.mutable_value(id);
    value.type = {tensor.dtype(), ToPartial(tensor.shape())};
    value.constant = std::move(tensor);
    return absl::OkStatus();
  }

  void AddTranslated(Node node) {
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue) graph_.mutable_value(node.outputs[i]).type.dtype = OutputType(graph_, node, i);
    }
    graph_.AddNode(std::move(node));
  }

  absl::Status AddOutput(const onnx_schema::ValueInfoProto& proto) {
    if (proto.has_type()) RETURN_IF_ERROR(ReadType(proto.type()).status());
    const ValueId id = graph_.FindValue(proto.name());
    if (id == kNoValue) return absl::InvalidArgumentError("expected a value of the graph, got none");
    graph_.AddOutput(id);
    return absl::OkStatus();
  }

  const int opset_;
  Graph graph_;
  TensorReader tensors_;
  std::set<std::pair<std::string, std::string>> functions_;  // domain, name
  std::vector<bool> read_;                                   // per value of the file: something reads it
};

}  // namespace

absl::StatusOr<Graph> ImportModel(ModelProto& model, const std::string& folder_for_external_data) {
  RETURN_IF_ERROR(CheckModel(model));
  ASSIGN_OR_RETURN(const int opset, ReadOpset(model));
  return Importer(model.graph(), opset, folder_for_external_data).Import(model);
}

}  // namespace beak::onnx_format
