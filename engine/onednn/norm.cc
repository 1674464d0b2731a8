#include "engine/base/status.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"

namespace beak::onednn {

absl::StatusOr<KernelPlan> PlanBatchNormalization(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const OperandInfo& x = request.inputs[0];
  if (x.shape.size() < 2 || x.shape.size() > 5) return absl::UnimplementedError("rank is not 2 to 5");
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const Desc data = DescOf(x);
    const auto desc =
        BatchNormalizationForward(CpuEngine(), data, request.node.Get<float>("epsilon", 1e-5f), UserScratchpad());
    const Desc channels = PlainDesc({x.shape[1]});
    KernelPlan plan;
    plan.input_layouts = {x.layout};
    for (int i = 1; i < 5; ++i) plan.input_layouts.push_back(Layout::Plain(DType::kFloat32, {x.shape[1]}));
    plan.output_layouts = {x.layout};
    plan.output_layouts.resize(request.outputs.size());
    plan.may_overwrite = 0;
    SetPrimitive<dnnl::batch_normalization_forward>(desc,
                                                    {{DNNL_ARG_SRC, Argument::kInput, 0, data},
                                                     {DNNL_ARG_SCALE, Argument::kInput, 1, channels},
                                                     {DNNL_ARG_SHIFT, Argument::kInput, 2, channels},
                                                     {DNNL_ARG_MEAN, Argument::kInput, 3, channels},
                                                     {DNNL_ARG_VARIANCE, Argument::kInput, 4, channels},
                                                     {DNNL_ARG_DST, Argument::kOutput, 0, data}},
                                                    plan);
    return plan;
  });
}

absl::StatusOr<KernelPlan> PlanLrn(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const OperandInfo& x = request.inputs[0];
  const Node& node = request.node;
  const int64_t size = node.Get<int64_t>("size", 1);
  if (x.shape.size() != 4 || size % 2 == 0) return absl::UnimplementedError("not an image, or an even size");
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const Desc data = DescOf(x);
    const auto desc = LrnForward(CpuEngine(), data, size, node.Get<float>("alpha", 1e-4f),
                                 node.Get<float>("beta", 0.75f), node.Get<float>("bias", 1.0f), UserScratchpad());
    KernelPlan plan;
    plan.input_layouts = {x.layout};
    plan.output_layouts = {x.layout};
    SetPrimitive<dnnl::lrn_forward>(
        desc, {{DNNL_ARG_SRC, Argument::kInput, 0, data}, {DNNL_ARG_DST, Argument::kOutput, 0, data}}, plan);
    return plan;
  });
}

}  // namespace beak::onednn
