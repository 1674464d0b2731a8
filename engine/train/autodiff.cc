#include "engine/train/autodiff.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/ops/gradient.h"

namespace beak {
namespace {

// The values that depend on one of `sources`, by id.
std::vector<bool> DependingOn(const Graph& graph, const std::vector<ValueId>& sources) {
  std::vector<bool> depends(graph.num_values());
  for (const ValueId source : sources) depends[source] = true;
  for (const Node& node : graph.nodes()) {
    bool any = false;
    for (const ValueId input : node.inputs) any = any || (input != kNoValue && depends[input]);
    for (const ValueId output : node.outputs) {
      if (any && output != kNoValue) depends[output] = true;
    }
  }
  return depends;
}

// What is known of the gradients while the walk goes back through the nodes.
class Backward {
 public:
  Backward(Graph& graph, std::vector<bool> wanted)
      : graph_(graph), wanted_(std::move(wanted)), gradients_(wanted_.size(), kNoValue) {}

  Graph& graph() { return graph_; }
  bool wanted(ValueId value) const { return value != kNoValue && wanted_[value]; }
  ValueId gradient(ValueId value) const { return value == kNoValue ? kNoValue : gradients_[value]; }

  // A value that is used several times has the sum of what each use says.
  void Accumulate(ValueId value, ValueId gradient) {
    ValueId& known = gradients_[value];
    known = known == kNoValue ? gradient : Emit("Add", {known, gradient}, {}, {true})[0];
  }

  std::vector<ValueId> Emit(const std::string& op, std::vector<ValueId> inputs, AttributeMap attributes,
                            const std::vector<bool>& wanted) {
    Node node{absl::StrCat("gradient_", graph_.nodes().size()), op, std::move(inputs), {}, std::move(attributes)};
    for (const bool want : wanted) node.outputs.push_back(want ? graph_.AddValue(node.name) : kNoValue);
    return graph_.AddNode(std::move(node)).outputs;
  }

 private:
  Graph& graph_;
  const std::vector<bool> wanted_;  // by value, of those that were there before
  std::vector<ValueId> gradients_;  // the same
};

class NodeContext final : public GradientContext {
 public:
  NodeContext(Backward& backward, const Node& node) : backward_(backward), node_(node) {}

  const Node& node() const override { return node_; }
  const Graph& graph() const override { return backward_.graph(); }
  bool wants(size_t i) const override { return backward_.wanted(input(i)); }
  ValueId gradient(size_t i) const override { return backward_.gradient(output(i)); }
  void Give(size_t i, ValueId gradient) override { backward_.Accumulate(input(i), gradient); }
  std::vector<ValueId> EmitSome(const std::string& op, std::vector<ValueId> inputs, AttributeMap attributes,
                                const std::vector<bool>& wanted) override {
    return backward_.Emit(op, std::move(inputs), std::move(attributes), wanted);
  }
  ValueId Constant(Tensor tensor) override { return backward_.graph().AddConstant("constant", std::move(tensor)); }

 private:
  Backward& backward_;
  const Node& node_;
};

absl::Status DifferentiateNode(Backward& backward, const Node& node) {
  NodeContext context(backward, node);
  bool reached = false, wanted = false;
  for (size_t i = 0; i < node.outputs.size(); ++i) reached = reached || context.gradient(i) != kNoValue;
  for (size_t i = 0; i < node.inputs.size(); ++i) wanted = wanted || context.wants(i);
  if (!reached || !wanted) return absl::OkStatus();
  const GradientRule rule = FindGradient(node.op);
  if (rule == nullptr) return absl::UnimplementedError("the operator has no gradient");
  return rule(context);
}

}  // namespace

absl::StatusOr<std::vector<ValueId>> Differentiate(Graph& graph, ValueId loss, const std::vector<ValueId>& values) {
  const TensorType& type = graph.value(loss).type;
  if (!IsFloat(type.dtype) || !type.shape || NumElements(ToShape(*type.shape)) != 1) {
    return absl::InvalidArgumentError(absl::StrCat("loss: expected one float, got ", NameOf(type.dtype), " ",
                                                   type.shape ? ToString(*type.shape) : "[...]"));
  }
  const Shape shape = ToShape(*type.shape);
  const Tensor one = type.dtype == DType::kFloat64 ? Tensor::Of<double>(shape, {1}) : Tensor::Of<float>(shape, {1});
  Backward backward(graph, DependingOn(graph, values));
  if (backward.wanted(loss)) backward.Accumulate(loss, graph.AddConstant("gradient_of_loss", one));
  for (size_t i = graph.nodes().size(); i-- > 0;) {
    const Node node = graph.nodes()[i];  // a copy: the graph's own move when nodes are added
    if (absl::Status status = DifferentiateNode(backward, node); !status.ok()) {
      return Annotate(status, absl::StrCat("node '", node.name, "' (", node.op, ")"));
    }
  }
  std::vector<ValueId> gradients;
  for (const ValueId value : values) gradients.push_back(backward.gradient(value));
  return gradients;
}

}  // namespace beak
