#include "engine/passes/passes.h"

namespace beak {

absl::Status RemoveDeadCode(Graph& graph, const Evaluator&) {
  std::vector<bool> live(graph.num_values(), false);
  for (const ValueId output : graph.outputs()) live[output] = true;
  std::vector<Node>& nodes = graph.mutable_nodes();
  std::vector<Node> kept;
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    bool wanted = false;
    for (const ValueId output : node->outputs) wanted = wanted || (output != kNoValue && live[output]);
    if (!wanted) continue;
    for (const ValueId input : node->inputs) {
      if (input != kNoValue) live[input] = true;
    }
    // An optional output that nobody reads need not be computed; the first output is never optional.
    for (size_t i = 1; i < node->outputs.size(); ++i) {
      if (node->op == "MaxPool" && node->outputs[i] != kNoValue && !live[node->outputs[i]]) node->outputs[i] = kNoValue;
    }
    kept.push_back(std::move(*node));
  }
  nodes.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  graph.Compact();
  return absl::OkStatus();
}

}  // namespace beak
