#include "engine/runtime/flops.h"

namespace beak {

double CountFlops(const KernelRequest& request) {
  const std::string& op = request.node.op;
  if (op == "Conv" || op == "FusedConv") {  // weights M x C/g x kernel, applied at every output position
    const Shape& weights = request.inputs[1].shape;
    const double per_element = static_cast<double>(NumElements(weights)) / static_cast<double>(weights[0]);
    return 2 * per_element * static_cast<double>(NumElements(request.outputs[0].shape));
  }
  if (op == "ConvTranspose") {  // weights C x M/g x kernel, applied at every input position
    const Shape& weights = request.inputs[1].shape;
    const double per_element = static_cast<double>(NumElements(weights)) / static_cast<double>(weights[0]);
    return 2 * per_element * static_cast<double>(NumElements(request.inputs[0].shape));
  }
  if (op == "Gemm" || op == "FusedGemm" || op == "MatMul") {
    const Shape& a = request.inputs[0].shape;
    const bool transposed = op != "MatMul" && request.node.Get<int64_t>("transA", 0) != 0;
    const double k = static_cast<double>(transposed ? a.front() : a.back());
    return 2 * k * static_cast<double>(NumElements(request.outputs[0].shape));
  }
  return 0;
}

}  // namespace beak
