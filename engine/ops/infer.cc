#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "engine/base/status.h"
#include "engine/ops/rule.h"

namespace beak {
namespace {

// Lists of sizes are short; longer ones are not followed.
constexpr int64_t kMaxDimsValue = 256;

using DimsValues = std::unordered_map<ValueId, std::vector<Dim>>;

bool IsIndex(DType dtype) { return dtype == DType::kInt32 || dtype == DType::kInt64; }

// What the rules see of a node in a graph, and where they write.
class NodeContext final : public InferContext {
 public:
  NodeContext(Graph& graph, const Node& node, DimsValues& dims_values)
      : graph_(graph), node_(node), dims_values_(dims_values) {}

  const Node& node() const override { return node_; }
  bool has_input(int i) const override { return i < num_inputs() && node_.inputs[i] != kNoValue; }
  DType dtype(int i) const override { return graph_.value(node_.inputs[i]).type.dtype; }
  const PartialShape& shape(int i) const override { return *graph_.value(node_.inputs[i]).type.shape; }
  const Tensor* constant(int i) const override { return graph_.ConstantOf(node_.inputs[i]); }

  std::optional<std::vector<Dim>> dims_value(int i) const override {
    if (!has_input(i) || !IsIndex(dtype(i))) return std::nullopt;
    if (const auto it = dims_values_.find(node_.inputs[i]); it != dims_values_.end()) return it->second;
    if (shape(i).size() > 1 || !IsStatic(shape(i))) return std::nullopt;
    const int64_t count = NumElements(ToShape(shape(i)));
    if (count > kMaxDimsValue) return std::nullopt;
    std::vector<Dim> dims(count);
    if (const Tensor* tensor = constant(i)) {
      const absl::StatusOr<std::vector<int64_t>> ints = ToInt64s(*tensor);
      for (int64_t k = 0; ints.ok() && k < count; ++k) dims[k] = (*ints)[k] < 0 ? Dim() : Dim((*ints)[k]);
    }
    return dims;
  }

  void set_output(int i, DType dtype, PartialShape shape) override {
    if (has_output(i)) graph_.mutable_value(node_.outputs[i]).type = {dtype, std::move(shape)};
  }

  void set_dims_value(int i, std::vector<Dim> value) override {
    if (has_output(i) && value.size() <= kMaxDimsValue) dims_values_[node_.outputs[i]] = std::move(value);
  }

 private:
  Graph& graph_;
  const Node& node_;
  DimsValues& dims_values_;
};

// The element type of an output as far as it does not take a shape rule to tell it.
DType TypeOfOutput(const Graph& graph, const Node& node, size_t output) {
  if (node.op == "Shape" || node.op == "ArgMax" || (node.op == "MaxPool" && output == 1)) return DType::kInt64;
  if (node.op == "Equal" || (node.op == "Dropout" && output == 1)) return DType::kBool;
  if (node.op == "Cast") return ParseDType(node.Get<std::string>("to", "")).value_or(DType::kFloat32);
  if (node.op == "ConstantOfShape") return node.Get<Tensor>("value", Tensor()).dtype();
  return graph.value(node.inputs[node.op == "Where" ? 1 : 0]).type.dtype;
}

// Unknown dimensions count as 1: a lower bound.
absl::Status CheckSize(const TensorType& type) {
  Shape shape;
  for (const Dim& dim : *type.shape) shape.push_back(dim.known() ? dim.value() : 1);
  return CheckedByteSize(shape, type.dtype).status();
}

absl::Status CheckType(const Value& value, bool require_static) {
  const std::optional<PartialShape>& shape = value.type.shape;
  if (require_static && (!shape || !IsStatic(*shape))) {
    return absl::UnimplementedError(
        absl::StrCat("output '", value.name, "': its shape ", shape ? ToString(*shape) : "[...]", " depends on data"));
  }
  if (!shape) return absl::OkStatus();
  return Annotate(CheckSize(value.type), absl::StrCat("output '", value.name, "'"));
}

absl::Status ApplyRule(Graph& graph, const Op& op, const Node& node, DimsValues& dims_values, bool require_static) {
  const bool ranks_known = std::all_of(node.inputs.begin(), node.inputs.end(), [&graph](ValueId id) {
    return id == kNoValue || graph.value(id).type.shape.has_value();
  });
  if (!ranks_known) return absl::OkStatus();
  NodeContext context(graph, node, dims_values);
  absl::Status status = op.infer(context);
  if (context.depends_on_data() && !require_static && absl::IsUnimplemented(status)) return absl::OkStatus();
  return status;
}

absl::Status InferNode(Graph& graph, const Node& node, DimsValues& dims_values, bool require_static) {
  ASSIGN_OR_RETURN(const Op* op, CheckNode(node));
  for (size_t i = 0; i < node.outputs.size(); ++i) {
    if (node.outputs[i] == kNoValue) continue;
    graph.mutable_value(node.outputs[i]).type = {TypeOfOutput(graph, node, i), std::nullopt};
  }
  RETURN_IF_ERROR(ApplyRule(graph, *op, node, dims_values, require_static));
  for (const ValueId id : node.outputs) {
    if (id != kNoValue) RETURN_IF_ERROR(CheckType(graph.value(id), require_static));
  }
  return absl::OkStatus();
}

absl::Status CheckInput(const Value& value, bool require_static) {
  const std::optional<PartialShape>& shape = value.type.shape;
  absl::Status status;
  if (require_static && (!shape || !IsStatic(*shape))) {
    status = absl::InvalidArgumentError(
        absl::StrCat("shape: expected known dimensions, got ", shape ? ToString(*shape) : "none"));
  } else if (shape) {
    status = CheckSize(value.type);
  }
  return Annotate(status, absl::StrCat("input '", value.name, "'"));
}

}  // namespace

bool InferContext::has_output(int i) const {
  return i < static_cast<int>(node().outputs.size()) && node().outputs[i] != kNoValue;
}

absl::StatusOr<std::optional<std::vector<int64_t>>> InferContext::ConstantInts(int i, const char* what) {
  if (!has_input(i)) return std::optional<std::vector<int64_t>>();
  if (!IsIndex(dtype(i))) {
    return absl::InvalidArgumentError(
        absl::StrCat("input '", what, "': expected int32 or int64, got ", NameOf(dtype(i))));
  }
  if (const Tensor* tensor = constant(i)) {
    ASSIGN_OR_RETURN(std::vector<int64_t> values, ToInt64s(*tensor));
    return std::optional(std::move(values));
  }
  const std::optional<std::vector<Dim>> dims = dims_value(i);
  if (!dims || !IsStatic(*dims)) return DependsOnData(absl::StrCat("input '", what, "' must be constant"));
  return std::optional(ToShape(*dims));
}

absl::Status InferContext::DependsOnData(const std::string& text) {
  depends_on_data_ = true;
  return absl::UnimplementedError(text);
}

absl::Status InferShapes(Graph& graph, bool require_static) {
  for (const ValueId id : graph.inputs()) RETURN_IF_ERROR(CheckInput(graph.value(id), require_static));
  DimsValues dims_values;
  for (const Node& node : graph.nodes()) {
    if (absl::Status status = InferNode(graph, node, dims_values, require_static); !status.ok()) {
      return Annotate(status, PlaceOf(node));
    }
  }
  return absl::OkStatus();
}

}  // namespace beak
