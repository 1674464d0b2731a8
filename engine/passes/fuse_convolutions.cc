#include "engine/ops/clamp.h"
#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace beak {
namespace {

// Indices of a node and of the value that it gives, as the fusion moves down a chain.
struct Chain {
  int node;
  ValueId value;
};

// Add(convolution, residual): the residual must be computed by something, so that the sum is worth a fusion; where both
// sides are convolutions the later one takes the sum, and the other's memory is accumulated into.
void FuseResidual(Graph& graph, const Uses& uses, Chain& chain, Node& fused) {
  const int next = OnlyConsumer(uses, chain.value);
  if (next == Uses::kNone || graph.nodes()[next].op != "Add") return;
  const Node& add = graph.nodes()[next];
  const ValueId residual = ResidualOf(graph, add, chain.value);
  if (residual == kNoValue) return;
  const int other = uses.producer(residual);
  const bool other_fuses = other != Uses::kNone && graph.nodes()[other].op == "Conv" && uses.single_use(residual);
  if (other_fuses && other > chain.node) return;
  fused.inputs.resize(4, kNoValue);
  fused.inputs[3] = residual;
  chain = {next, add.outputs[0]};
}

void FuseActivation(Graph& graph, const Uses& uses, Chain& chain, Node& fused) {
  const int next = OnlyConsumer(uses, chain.value);
  if (next == Uses::kNone) return;
  const Node& activation = graph.nodes()[next];
  if (activation.inputs[0] != chain.value || !SetActivation(graph, activation, fused)) return;
  chain = {next, activation.outputs[0]};
}

// The fused node stands where the last of its parts stood: everything that it reads is computed by then.
void Replace(Graph& graph, int first, const Chain& chain, Node fused) {
  std::vector<Node>& nodes = graph.mutable_nodes();
  fused.outputs = {chain.value};
  const ValueId before = nodes[first].outputs[0];
  nodes[chain.node] = std::move(fused);
  if (chain.node == first) return;
  Bury(nodes[first], nodes[first].inputs[0], before);
}

}  // namespace

absl::Status FuseConvolutions(Graph& graph, const Evaluator&) {
  const Uses uses(graph);
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i) {
    const Node& conv = graph.nodes()[i];
    if (conv.op != "Conv" || graph.value(conv.outputs[0]).type.dtype != DType::kFloat32) continue;
    Node fused = conv;
    fused.op = "FusedConv";
    Chain chain{i, conv.outputs[0]};
    FuseResidual(graph, uses, chain, fused);
    FuseActivation(graph, uses, chain, fused);
    if (chain.node != i) Replace(graph, i, chain, std::move(fused));
  }
  return absl::OkStatus();
}

absl::Status FuseGemms(Graph& graph, const Evaluator&) {
  const Uses uses(graph);
  for (int i = 0; i < static_cast<int>(graph.nodes().size()); ++i) {
    const Node& gemm = graph.nodes()[i];
    if (gemm.op != "Gemm" || graph.value(gemm.outputs[0]).type.dtype != DType::kFloat32) continue;
    Node fused = gemm;
    fused.op = "FusedGemm";
    Chain chain{i, gemm.outputs[0]};
    FuseActivation(graph, uses, chain, fused);
    if (chain.node != i && ClampOf(fused)) Replace(graph, i, chain, std::move(fused));
  }
  return absl::OkStatus();
}

}  // namespace beak
