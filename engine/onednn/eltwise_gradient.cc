#include <cmath>

#include "engine/base/status.h"
#include "engine/onednn/activation.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"

namespace beak::onednn {
namespace {

// The function whose slope is wanted.
struct Function {
  Eltwise eltwise;
  int value = DNNL_ARG_SRC;  // what ActivationGradient is given of it
};

std::optional<Function> FunctionOf(const Node& node) {
  const std::string name = node.Get<std::string>("activation", "");
  if (name == "Relu") return Function{{dnnl::algorithm::eltwise_relu_use_dst_for_bwd}, DNNL_ARG_DST};
  if (name == "Sigmoid") return Function{{dnnl::algorithm::eltwise_logistic_use_dst_for_bwd}, DNNL_ARG_DST};
  if (name == "Tanh") return Function{{dnnl::algorithm::eltwise_tanh_use_dst_for_bwd}, DNNL_ARG_DST};
  const float alpha = node.Get("activation_alpha", 0.0f), beta = node.Get("activation_beta", 0.0f);
  // Of the library's two, the one whose slope on the bounds is 0.
  if (name == "Clip" && alpha <= beta && std::isfinite(alpha) && std::isfinite(beta)) {
    return Function{{dnnl::algorithm::eltwise_clip_v2, alpha, beta}};
  }
  // The rest is seldom trained, and right in the reference kernels.
  if (name != "Elu" && name != "LeakyRelu" && name != "Swish" && name != "Softplus") return std::nullopt;
  return Function{*FindEltwise(name, alpha, beta)};
}

}  // namespace

// dy, value -> dx, all laid out as the value is.
absl::StatusOr<KernelPlan> PlanEltwiseGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const std::optional<Function> function = FunctionOf(request.node);
  if (!function) return absl::UnimplementedError("not one of the library's functions");
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const OperandInfo& value = request.inputs[1];
    const Desc data = value.layout.plain() ? PlainDesc({NumElements(value.shape)}) : DescOf(value);
    const Eltwise& eltwise = function->eltwise;
    const auto desc =
        EltwiseBackward(CpuEngine(), eltwise.algorithm, data, eltwise.alpha, eltwise.beta, UserScratchpad());
    KernelPlan plan;
    plan.input_layouts = {value.layout, value.layout};
    plan.output_layouts = {value.layout};
    plan.may_overwrite = 0;
    SetPrimitive<dnnl::eltwise_backward>(desc,
                                         {{DNNL_ARG_DIFF_DST, Argument::kInput, 0, data},
                                          {function->value, Argument::kInput, 1, data},
                                          {DNNL_ARG_DIFF_SRC, Argument::kOutput, 0, data}},
                                         plan);
    return plan;
  });
}

}  // namespace beak::onednn
