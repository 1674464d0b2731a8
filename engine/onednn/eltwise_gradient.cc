#include <cmath>

#include "engine/base/status.h"
#include "engine/onednn/activation.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"

namespace beak::onednn {
namespace {

// The function whose slope is wanted, by its output where ActivationGradient is given that.
std::optional<Eltwise> FunctionOf(const Node& node) {
  const std::string name = node.Get<std::string>("activation", "");
  if (name == "Relu") return Eltwise{dnnl::algorithm::eltwise_relu_use_dst_for_bwd};
  if (name == "Sigmoid") return Eltwise{dnnl::algorithm::eltwise_logistic_use_dst_for_bwd};
  if (name == "Tanh") return Eltwise{dnnl::algorithm::eltwise_tanh_use_dst_for_bwd};
  // Of the library's two, the one whose slope on the bounds is 0.
  const float alpha = node.Get("activation_alpha", 0.0f), beta = node.Get("activation_beta", 0.0f);
  if (name == "Clip" && alpha <= beta && std::isfinite(alpha) && std::isfinite(beta)) {
    return Eltwise{dnnl::algorithm::eltwise_clip_v2, alpha, beta};
  }
  // The rest is seldom trained, and right in the reference kernels.
  if (name != "Elu" && name != "LeakyRelu" && name != "Swish" && name != "Softplus") return std::nullopt;
  return FindEltwise(name, alpha, beta);
}

}  // namespace

// dy, value -> dx, all laid out as the value is.
absl::StatusOr<KernelPlan> PlanEltwiseGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const std::optional<Eltwise> eltwise = FunctionOf(request.node);
  if (!eltwise) return absl::UnimplementedError("not one of the library's functions");
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const OperandInfo& value = request.inputs[1];
    const Desc data = value.layout.plain() ? PlainDesc({NumElements(value.shape)}) : DescOf(value);
    const auto desc =
        EltwiseBackward(CpuEngine(), eltwise->algorithm, data, eltwise->alpha, eltwise->beta, UserScratchpad());
    const bool by_output = eltwise->algorithm == dnnl::algorithm::eltwise_relu_use_dst_for_bwd ||
                           eltwise->algorithm == dnnl::algorithm::eltwise_logistic_use_dst_for_bwd ||
                           eltwise->algorithm == dnnl::algorithm::eltwise_tanh_use_dst_for_bwd;
    KernelPlan plan;
    plan.input_layouts = {value.layout, value.layout};
    plan.output_layouts = {value.layout};
    plan.may_overwrite = 0;
    SetPrimitive<dnnl::eltwise_backward>(desc,
                                         {{DNNL_ARG_DIFF_DST, Argument::kInput, 0, data},
                                          {by_output ? DNNL_ARG_DST : DNNL_ARG_SRC, Argument::kInput, 1, data},
                                          {DNNL_ARG_DIFF_SRC, Argument::kOutput, 0, data}},
                                         plan);
    return plan;
  });
}

}  // namespace beak::onednn
