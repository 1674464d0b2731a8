#include <limits>

#include "engine/base/status.h"
#include "engine/onednn/activation.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"

namespace beak::onednn {
namespace {

// The bound that input i of Clip gives; nullopt where it is there but not constant.
std::optional<float> Bound(const KernelRequest& request, size_t i, float fallback) {
  if (i >= request.inputs.size() || !request.inputs[i].present) return fallback;
  const Tensor* constant = request.inputs[i].constant;
  if (constant == nullptr || constant->num_elements() != 1) return std::nullopt;
  return constant->values<float>()[0];
}

std::optional<Eltwise> EltwiseOf(const KernelRequest& request) {
  const Node& node = request.node;
  if (node.op == "Clip") {
    const std::optional<float> low = Bound(request, 1, std::numeric_limits<float>::lowest());
    const std::optional<float> high = Bound(request, 2, std::numeric_limits<float>::max());
    // Bounds that cross mean something in ONNX (the upper one wins) and nothing in oneDNN.
    if (!low || !high || !(*low <= *high)) return std::nullopt;
    return FindEltwise("Clip", *low, *high);
  }
  const float default_alpha = node.op == "LeakyRelu" ? 0.01f : 1.0f;
  return FindEltwise(node.op, node.Get<float>("alpha", default_alpha), 0);
}

}  // namespace

absl::StatusOr<KernelPlan> PlanEltwise(const KernelRequest& request) {
  RETURN_IF_ERROR(Eligible(request.inputs[0]));
  const std::optional<Eltwise> eltwise = EltwiseOf(request);
  if (!eltwise) return absl::UnimplementedError("its parameters are not constant numbers in order");
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const OperandInfo& x = request.inputs[0];
    // A plain tensor is a list of numbers; its dimensions would only cost the library work.
    const Desc data = x.layout.plain() ? PlainDesc({NumElements(x.shape)}) : DescOf(x);
    const auto desc =
        EltwiseForward(CpuEngine(), eltwise->algorithm, data, eltwise->alpha, eltwise->beta, UserScratchpad());
    KernelPlan plan;
    plan.input_layouts = {x.layout};
    for (size_t i = 1; i < request.inputs.size(); ++i) plan.input_layouts.push_back(request.inputs[i].layout);
    plan.output_layouts = {x.layout};
    plan.may_overwrite = 0;
    SetPrimitive<dnnl::eltwise_forward>(
        desc, {{DNNL_ARG_SRC, Argument::kInput, 0, data}, {DNNL_ARG_DST, Argument::kOutput, 0, data}}, plan);
    return plan;
  });
}

}  // namespace beak::onednn
