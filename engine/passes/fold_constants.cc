#include "absl/strings/str_cat.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/passes/passes.h"

namespace beak {
namespace {

// Nodes that are data in another shape or size may blow a small file up; folding them stops at limits::kMaxFoldedBytes.
bool OutputsFit(const Graph& graph, const Node& node, int64_t& folded_bytes) {
  int64_t bytes = 0;
  for (const ValueId output : node.outputs) {
    if (output == kNoValue) continue;
    const TensorType& type = graph.value(output).type;
    if (!type.shape || !IsStatic(*type.shape)) return false;
    const absl::StatusOr<int64_t> size = CheckedByteSize(ToShape(*type.shape), type.dtype);
    if (!size.ok()) return false;
    bytes += *size;
  }
  if (folded_bytes + bytes > limits::kMaxFoldedBytes) return false;
  folded_bytes += bytes;
  return true;
}

bool InputsKnown(const Graph& graph, const Node& node) {
  if (node.op == "Shape") {
    const auto& shape = graph.value(node.inputs[0]).type.shape;
    return shape && IsStatic(*shape);
  }
  for (const ValueId input : node.inputs) {
    if (input == kNoValue) continue;
    const Tensor* constant = graph.ConstantOf(input);
    if (constant == nullptr || !constant->has_bytes()) return false;
  }
  return true;
}

// Shape asks for no elements: a tensor of the right shape without bytes stands in for its input.
std::vector<const Tensor*> GatherInputs(const Graph& graph, const Node& node, Tensor& stand_in) {
  std::vector<const Tensor*> inputs;
  for (const ValueId input : node.inputs) inputs.push_back(graph.ConstantOf(input));
  if (node.op == "Shape") {
    const TensorType& type = graph.value(node.inputs[0]).type;
    stand_in = Tensor::WithoutBytes(type.dtype, ToShape(*type.shape));
    inputs[0] = &stand_in;
  }
  return inputs;
}

}  // namespace

absl::Status FoldConstants(Graph& graph, const Evaluator& evaluate) {
  int64_t folded_bytes = 0;
  std::vector<Node> kept;
  for (Node& node : graph.mutable_nodes()) {
    if (!InputsKnown(graph, node) || !OutputsFit(graph, node, folded_bytes)) {
      kept.push_back(std::move(node));
      continue;
    }
    std::vector<TensorType> types;
    for (const ValueId output : node.outputs)
      types.push_back(output == kNoValue ? TensorType{} : graph.value(output).type);
    Tensor stand_in;
    absl::StatusOr<std::vector<Tensor>> results = evaluate(node, GatherInputs(graph, node, stand_in), types);
    if (absl::IsUnimplemented(results.status())) {
      kept.push_back(std::move(node));
      continue;
    }
    if (!results.ok()) {
      return Annotate(results.status(), absl::StrCat("node '", node.name, "' (", node.op, "), folded"));
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] != kNoValue) graph.mutable_value(node.outputs[i]).constant = std::move((*results)[i]);
    }
  }
  graph.mutable_nodes() = std::move(kept);
  return absl::OkStatus();
}

}  // namespace beak
