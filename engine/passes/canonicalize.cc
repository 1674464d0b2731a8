#include <algorithm>

#include "engine/passes/passes.h"
#include "engine/passes/rewrite.h"

namespace beak {
namespace {

int RankOf(const Graph& graph, ValueId id) {
  const auto& shape = graph.value(id).type.shape;
  return shape ? static_cast<int>(shape->size()) : -1;
}

// x [M,K] MatMul w [K,N] + b [N], w and b constant: Gemm(x, w, b), placed where the addition was.
bool TryGemm(Graph& graph, const Uses& uses, Node& add) {
  if (add.op != "Add") return false;
  for (int side = 0; side < 2; ++side) {
    const ValueId product = add.inputs[side], bias = add.inputs[1 - side];
    if (uses.producer(product) == Uses::kNone || !uses.single_use(product)) continue;
    const Node& matmul = graph.nodes()[uses.producer(product)];
    if (matmul.op != "MatMul" || RankOf(graph, matmul.inputs[0]) != 2 || RankOf(graph, matmul.inputs[1]) != 2) continue;
    const Tensor* weights = graph.ConstantOf(matmul.inputs[1]);
    const Tensor* constant = graph.ConstantOf(bias);
    if (weights == nullptr || constant == nullptr || weights->dtype() != DType::kFloat32) continue;
    if (constant->rank() != 1 || constant->shape()[0] != weights->shape()[1]) continue;
    add = Node{matmul.name, "Gemm", {matmul.inputs[0], matmul.inputs[1], bias}, add.outputs, {}};
    return true;
  }
  return false;
}

// ReduceMean over every position of [N,C,spatial...], dimensions kept: GlobalAveragePool.
bool TryGlobalAveragePool(const Graph& graph, Node& node) {
  if (node.op != "ReduceMean" || node.Get<int64_t>("keepdims", 1) == 0 || node.inputs.size() < 2) return false;
  const int rank = RankOf(graph, node.inputs[0]);
  const Tensor* constant = graph.ConstantOf(node.inputs[1]);
  if (constant == nullptr || rank < 3 || graph.value(node.inputs[0]).type.dtype != DType::kFloat32) return false;
  const absl::StatusOr<std::vector<int64_t>> given = ToInt64s(*constant);
  if (!given.ok() || static_cast<int>(given->size()) != rank - 2) return false;
  std::vector<int64_t> axes = *given;
  for (int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  std::sort(axes.begin(), axes.end());
  for (int i = 0; i < rank - 2; ++i) {
    if (axes[i] != i + 2) return false;
  }
  node = Node{node.name, "GlobalAveragePool", {node.inputs[0]}, node.outputs, {}};
  return true;
}

// Mul(x, Sigmoid(x)): Swish(x), also called SiLU (Ramachandran et al., arXiv 1710.05941).
bool TrySwish(const Graph& graph, const Uses& uses, Node& node) {
  if (node.op != "Mul") return false;
  for (int side = 0; side < 2; ++side) {
    const int producer = uses.producer(node.inputs[side]);
    if (producer == Uses::kNone || graph.nodes()[producer].op != "Sigmoid") continue;
    const ValueId x = graph.nodes()[producer].inputs[0];
    if (node.inputs[1 - side] != x || graph.value(x).type.dtype != DType::kFloat32) continue;
    node = Node{node.name, "Swish", {x}, node.outputs, {}};
    return true;
  }
  return false;
}

}  // namespace

absl::Status Canonicalize(Graph& graph, const Evaluator&) {
  const Uses uses(graph);
  for (Node& node : graph.mutable_nodes()) {
    if (TryGemm(graph, uses, node) || TryGlobalAveragePool(graph, node) || TrySwish(graph, uses, node)) continue;
  }
  return absl::OkStatus();
}

}  // namespace beak
