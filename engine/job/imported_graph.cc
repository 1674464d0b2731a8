#include "engine/job/imported_graph.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/ops/op.h"
#include "engine/passes/passes.h"
#include "engine/reference/reference.h"

namespace beak {
namespace {

bool LeadsWithOne(const Graph& graph, ValueId id) {
  const std::optional<PartialShape>& shape = graph.value(id).type.shape;
  return shape && !shape->empty() && shape->front().known() && shape->front().value() == 1;
}

// ---------------------------------------------------------------- types

absl::Status WidenFloats(Graph& graph) {
  for (const auto* const ids : {&graph.inputs(), &graph.outputs()}) {
    for (const ValueId id : *ids) {
      if (graph.value(id).type.dtype == DType::kFloat16 && !graph.value(id).constant) {
        graph.mutable_value(id).type.dtype = DType::kFloat32;
      }
    }
  }
  return WidenFloat16(graph, nullptr);
}

// The nodes still read int32.
void WidenIndices(Graph& graph) {
  std::vector<Node> casts;
  for (const ValueId input : graph.inputs()) {
    if (graph.value(input).type.dtype != DType::kInt32) continue;
    const ValueId narrow =
        graph.AddValue(absl::StrCat(graph.value(input).name, "/int32"), {DType::kInt32, graph.value(input).type.shape});
    graph.ReplaceUses(input, narrow);
    graph.mutable_value(input).type.dtype = DType::kInt64;
    casts.push_back({graph.value(narrow).name, "Cast", {input}, {narrow}, {{"to", std::string("int32")}}});
  }
  std::vector<Node>& nodes = graph.mutable_nodes();
  nodes.insert(nodes.begin(), std::make_move_iterator(casts.begin()), std::make_move_iterator(casts.end()));
}

absl::Status CheckInputs(const Graph& graph) {
  for (const ValueId id : graph.inputs()) {
    const Value& input = graph.value(id);
    const std::optional<PartialShape>& shape = input.type.shape;
    if (input.type.dtype != DType::kFloat32 && input.type.dtype != DType::kInt64) {
      return absl::InvalidArgumentError(absl::StrCat(
          "input '", input.name, "': expected float32, float16, int64 or int32, got ", NameOf(input.type.dtype)));
    }
    if (!shape || (!shape->empty() && !shape->front().known())) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("input '", input.name, "': expected a first dimension for batches, free or 1 at all inputs and ",
                     "outputs, got ", ToString(*shape)));
  }
  return absl::OkStatus();
}

// ---------------------------------------------------------------- batches

bool IsOneSampleNetwork(const Graph& graph) {
  const auto one = [&graph](ValueId id) { return LeadsWithOne(graph, id); };
  return std::all_of(graph.inputs().begin(), graph.inputs().end(), one) &&
         std::all_of(graph.outputs().begin(), graph.outputs().end(), one);
}

// A target [1, 256] of one sample is [0, 256] of a batch: 0 takes over the dimension of the input.
absl::Status FreeReshapes(const std::vector<bool>& one_sample, Graph& graph) {
  std::vector<Node>& nodes = graph.mutable_nodes();
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i].op != "Reshape" || nodes[i].Get<int64_t>("allowzero", 0) != 0) continue;
    const ValueId data = nodes[i].inputs[0], target = nodes[i].inputs[1];
    const Tensor* constant = graph.ConstantOf(target);
    if (!one_sample[data] || graph.ConstantOf(data) != nullptr || constant == nullptr) continue;
    ASSIGN_OR_RETURN(std::vector<int64_t> sizes, ToInt64s(*constant));
    if (sizes.empty() || sizes[0] != 1) continue;
    sizes[0] = 0;
    const ValueId freed = graph.AddConstant(absl::StrCat(graph.value(target).name, "/batch"),
                                            Tensor::Of<int64_t>(constant->shape(), sizes));
    nodes[i].inputs[1] = freed;
  }
  return absl::OkStatus();
}

std::vector<bool> FindOneSampleValues(const Graph& graph) {
  std::vector<bool> found;
  for (ValueId id = 0; id < graph.num_values(); ++id) found.push_back(LeadsWithOne(graph, id));
  return found;
}

// ---------------------------------------------------------------- activations

constexpr std::array<std::string_view, 5> kReshapes = {"Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"};

bool IsReshape(const Node& node) { return std::find(kReshapes.begin(), kReshapes.end(), node.op) != kReshapes.end(); }

// The number of elements behind dimension `axis`, between two with neighbouring indices of it; none where not known.
std::optional<int64_t> StrideOf(const PartialShape& shape, size_t axis) {
  int64_t product = 1;
  for (size_t i = axis + 1; i < shape.size(); ++i) {
    if (!shape[i].known()) return std::nullopt;
    product *= shape[i].value();
  }
  return product;
}

// The dimension of `after` that the elements along dimension `axis` of `before` lie along, if it is a whole one.
std::optional<int> SameAxis(const PartialShape& before, size_t axis, const PartialShape& after) {
  const std::optional<int64_t> stride = StrideOf(before, axis);
  if (!stride || !before[axis].known()) return std::nullopt;
  for (size_t i = 0; i < after.size(); ++i) {
    const bool same = after[i].known() && after[i].value() == before[axis].value();
    if (same && StrideOf(after, i) == stride) return static_cast<int>(i);
  }
  return std::nullopt;
}

// An activation and the nodes behind it that give its result another shape, up to an output.
struct ActivationTail {
  int activation = Uses::kNone;
  std::vector<int> reshapes;  // in the order of the graph
};

// None where the output is no such thing, or something else reads what is on the way.
std::optional<ActivationTail> FindTail(const Graph& graph, const Uses& uses, ValueId output) {
  ActivationTail tail;
  for (ValueId value = output;;) {
    const int producer = uses.producer(value);
    if (producer == Uses::kNone || (value != output && !uses.single_use(value))) return std::nullopt;
    const Node& node = graph.nodes()[producer];
    if (node.op == "Softmax" || node.op == "Sigmoid") {
      tail.activation = producer;
      std::reverse(tail.reshapes.begin(), tail.reshapes.end());
      return tail.reshapes.empty() ? std::nullopt : std::optional(std::move(tail));
    }
    if (!IsReshape(node)) return std::nullopt;
    tail.reshapes.push_back(producer);
    value = node.inputs[0];
  }
}

// The activation with the axis that it has in the output's shape; none where it has no such axis.
std::optional<Node> MoveActivation(const Graph& graph, const Node& activation, ValueId output) {
  Node moved = activation;
  if (activation.op == "Sigmoid") return moved;
  const std::optional<PartialShape>& before = graph.value(activation.inputs[0]).type.shape;
  const std::optional<PartialShape>& after = graph.value(output).type.shape;
  if (!before || !after) return std::nullopt;
  const absl::StatusOr<int> axis = NormalizeAxis(activation.Get<int64_t>("axis", -1), static_cast<int>(before->size()));
  if (!axis.ok()) return std::nullopt;
  const std::optional<int> same = SameAxis(*before, static_cast<size_t>(*axis), *after);
  if (!same) return std::nullopt;
  moved.attributes["axis"] = static_cast<int64_t>(*same);
  return moved;
}

}  // namespace

absl::Status MakeTrainable(Graph& graph) {
  RETURN_IF_ERROR(InferShapes(graph));
  RETURN_IF_ERROR(WidenFloats(graph));
  RETURN_IF_ERROR(InferShapes(graph));
  if (IsOneSampleNetwork(graph)) {
    const std::vector<bool> one_sample = FindOneSampleValues(graph);
    for (const ValueId input : graph.inputs()) graph.mutable_value(input).type.shape->front() = Dim::Symbol("batch");
    RETURN_IF_ERROR(FreeReshapes(one_sample, graph));
    RETURN_IF_ERROR(InferShapes(graph));
    RETURN_IF_ERROR(FoldConstants(graph, EvaluateReference));
    RETURN_IF_ERROR(FreeReshapes(one_sample, graph));  // of targets that were computed
  } else {
    RETURN_IF_ERROR(FoldConstants(graph, EvaluateReference));
  }
  WidenIndices(graph);
  RETURN_IF_ERROR(CheckInputs(graph));
  RETURN_IF_ERROR(RemoveDeadCode(graph, EvaluateReference));
  return InferShapes(graph);
}

absl::Status PutActivationsLast(Graph& graph) {
  for (const ValueId output : std::vector<ValueId>(graph.outputs())) {
    const std::optional<ActivationTail> tail = FindTail(graph, Uses(graph), output);
    if (!tail) continue;
    std::vector<Node>& nodes = graph.mutable_nodes();
    std::optional<Node> moved = MoveActivation(graph, nodes[tail->activation], output);
    if (!moved) continue;
    const ValueId logits = graph.AddValue(absl::StrCat(graph.value(output).name, "/logits"));
    nodes[tail->reshapes.front()].inputs[0] = moved->inputs[0];
    nodes[tail->reshapes.back()].outputs[0] = logits;
    moved->inputs[0] = logits;
    moved->outputs[0] = output;
    nodes.insert(nodes.begin() + tail->reshapes.back() + 1, *std::move(moved));
    nodes.erase(nodes.begin() + tail->activation);
  }
  return InferShapes(graph);
}

std::set<std::string> FindInputConstants(const Graph& graph) {
  constexpr std::array<std::string_view, 8> kSteps = {"Add", "Cast", "Div",       "Identity",
                                                      "Mul", "Sub",  "Transpose", "Reshape"};
  std::vector<bool> raw(graph.num_values());
  for (const ValueId input : graph.inputs()) raw[input] = true;
  std::set<std::string> names;
  for (const Node& node : graph.nodes()) {
    if (std::find(kSteps.begin(), kSteps.end(), node.op) == kSteps.end()) continue;
    const auto is_raw = [&raw](ValueId id) { return id != kNoValue && raw[id]; };
    const auto is_constant = [&graph](ValueId id) { return graph.ConstantOf(id) != nullptr; };
    const auto of_input = std::count_if(node.inputs.begin(), node.inputs.end(), is_raw);
    const auto constants = std::count_if(node.inputs.begin(), node.inputs.end(), is_constant);
    if (of_input != 1 || of_input + constants != static_cast<std::ptrdiff_t>(node.inputs.size())) continue;
    raw[node.outputs[0]] = true;
    for (const ValueId id : node.inputs) {
      if (is_constant(id)) names.insert(graph.value(id).name);
    }
  }
  return names;
}

}  // namespace beak
