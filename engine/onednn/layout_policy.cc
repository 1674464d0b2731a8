#include "engine/onednn/layout_policy.h"

#include "engine/base/cpu.h"

namespace beak::onednn {
namespace {

constexpr double kPointwiseShare = 0.25;

// Multiply-adds of one convolution: weights M x C/g x kernel, applied at every output position.
double MultiplyAdds(const Shape& weights, const Shape& output) {
  return static_cast<double>(NumElements(weights)) / static_cast<double>(weights[0]) *
         static_cast<double>(NumElements(output));
}

bool IsPointwise(const Shape& weights) {
  for (size_t i = 2; i < weights.size(); ++i) {
    if (weights[i] != 1) return false;
  }
  return true;
}

}  // namespace

LayoutPolicy ChooseLayoutPolicy(const Graph& graph) {
  if (BestIsa() != Isa::kAvx512) return kLibraryLayout;
  double all = 0, pointwise = 0;
  for (const Node& node : graph.nodes()) {
    if (node.op != "Conv" && node.op != "FusedConv") continue;
    const Shape weights = ToShape(*graph.value(node.inputs[1]).type.shape);
    const Shape output = ToShape(*graph.value(node.outputs[0]).type.shape);
    if (weights.size() != 4 || NumElements(weights) == 0) continue;
    if (node.Get<int64_t>("group", 1) == weights[0] && weights[1] == 1 && weights[0] > 1) return kLibraryLayout;
    const double work = MultiplyAdds(weights, output);
    all += work;
    if (IsPointwise(weights)) pointwise += work;
  }
  return pointwise > kPointwiseShare * all ? kBlockedLayout : kLibraryLayout;
}

}  // namespace beak::onednn
