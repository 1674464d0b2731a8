#include "engine/onednn/activation.h"

#include "engine/onednn/primitive.h"

namespace beak::onednn {

std::optional<Eltwise> FindEltwise(const std::string& name, float alpha, float beta) {
  using dnnl::algorithm;
  if (name == "Relu") return Eltwise{algorithm::eltwise_relu, 0, 0};
  if (name == "LeakyRelu") return Eltwise{algorithm::eltwise_relu, alpha, 0};
  if (name == "Elu") return Eltwise{algorithm::eltwise_elu, alpha, 0};
  if (name == "Clip") return Eltwise{algorithm::eltwise_clip, alpha, beta};
  if (name == "Sigmoid") return Eltwise{algorithm::eltwise_logistic, 0, 0};
  if (name == "Tanh") return Eltwise{algorithm::eltwise_tanh, 0, 0};
  if (name == "Swish") return Eltwise{algorithm::eltwise_swish, 1, 0};
  if (name == "HardSwish") return Eltwise{algorithm::eltwise_hardswish, kHardSwishAlpha, kHardSwishBeta};
  if (name == "Softplus") return Eltwise{algorithm::eltwise_soft_relu, kSoftplusAlpha, 0};
  if (name == "Exp") return Eltwise{algorithm::eltwise_exp, 0, 0};
  if (name == "Sqrt") return Eltwise{algorithm::eltwise_sqrt, 0, 0};
  if (name == "Abs") return Eltwise{algorithm::eltwise_abs, 0, 0};
  return std::nullopt;
}

std::optional<dnnl::primitive_attr> FusedAttributes(const Node& node, bool with_sum) {
  dnnl::post_ops ops;
  if (with_sum) AppendSum(ops);
  const std::string name = node.Get<std::string>("activation", "");
  if (!name.empty()) {
    const std::optional<Eltwise> eltwise =
        FindEltwise(name, node.Get<float>("activation_alpha", 0), node.Get<float>("activation_beta", 0));
    if (!eltwise) return std::nullopt;
    AppendEltwise(ops, eltwise->algorithm, eltwise->alpha, eltwise->beta);
  }
  dnnl::primitive_attr attr = UserScratchpad();
  attr.set_post_ops(ops);
  return attr;
}

}  // namespace beak::onednn
