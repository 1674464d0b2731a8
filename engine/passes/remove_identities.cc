#include <numeric>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace beak {
namespace {

bool IsIdentityPermutation(const Node& node, const Graph& graph) {
  const std::vector<int64_t> perm = node.Get<std::vector<int64_t>>("perm", {});
  if (perm.empty()) {  // the default reverses all dimensions
    const auto& shape = graph.value(node.inputs[0]).type.shape;
    return shape && shape->size() <= 1;
  }
  std::vector<int64_t> same(perm.size());
  std::iota(same.begin(), same.end(), int64_t{0});
  return perm == same;
}

bool IsIdentity(const Node& node, const Graph& graph) {
  if (node.op == "Identity") return true;
  if (node.op == "Dropout") return node.outputs.size() < 2 || node.outputs[1] == kNoValue;
  if (node.op == "Cast") {
    return graph.value(node.inputs[0]).type.dtype == graph.value(node.outputs[0]).type.dtype;
  }
  if (node.op == "Transpose") return IsIdentityPermutation(node, graph);
  if (node.op == "Sum" || node.op == "Mean" || node.op == "Max" || node.op == "Min") return node.inputs.size() == 1;
  return false;
}

}  // namespace

absl::Status RemoveIdentities(Graph& graph, const Evaluator& evaluate) {
  std::vector<bool> is_output(graph.num_values(), false);
  for (const ValueId output : graph.outputs()) is_output[output] = true;
  Renaming renaming(graph);
  for (Node& node : graph.mutable_nodes()) {
    renaming.Apply(node);
    // An output of the graph keeps its name, so the node that gives it its name stays.
    if (IsIdentity(node, graph) && !is_output[node.outputs[0]]) renaming.Map(node.outputs[0], node.inputs[0]);
  }
  return RemoveDeadCode(graph, evaluate);
}

}  // namespace beak
