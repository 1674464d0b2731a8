#include "engine/base/status.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"

namespace beak::onednn {
namespace {

// Both compute all of their outputs.
absl::Status CheckNorm(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  if (request.node.Has("activation")) return absl::UnimplementedError("an activation is fused");
  if (request.outputs.size() != 3 || !request.outputs[1].present || !request.outputs[2].present) {
    return absl::UnimplementedError("not all outputs are wanted");
  }
  const size_t rank = request.inputs[0].shape.size();
  if (rank >= 2 && rank <= 5) return absl::OkStatus();
  return absl::UnimplementedError("rank is not 2 to 5");
}

}  // namespace

// x, scale, bias -> y, mean, variance
absl::StatusOr<KernelPlan> PlanBatchNormalizationTraining(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckNorm(request));
  const OperandInfo& x = request.inputs[0];
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const Desc data = DescOf(x), channels = PlainDesc({x.shape[1]});
    const auto desc =
        BatchNormalizationTraining(CpuEngine(), data, request.node.Get<float>("epsilon", 1e-5f), UserScratchpad());
    const Layout vector = Layout::Plain(DType::kFloat32, {x.shape[1]});
    KernelPlan plan;
    plan.input_layouts = {x.layout, vector, vector};
    plan.output_layouts = {x.layout, vector, vector};
    SetPrimitive<dnnl::batch_normalization_forward>(desc,
                                                    {{DNNL_ARG_SRC, Argument::kInput, 0, data},
                                                     {DNNL_ARG_SCALE, Argument::kInput, 1, channels},
                                                     {DNNL_ARG_SHIFT, Argument::kInput, 2, channels},
                                                     {DNNL_ARG_DST, Argument::kOutput, 0, data},
                                                     {DNNL_ARG_MEAN, Argument::kOutput, 1, channels},
                                                     {DNNL_ARG_VARIANCE, Argument::kOutput, 2, channels}},
                                                    plan);
    return plan;
  });
}

// x, dy, scale, mean, variance -> dx, dscale, dbias
absl::StatusOr<KernelPlan> PlanBatchNormalizationGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckNorm(request));
  const OperandInfo& x = request.inputs[0];
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const Desc data = DescOf(x), channels = PlainDesc({x.shape[1]});
    const auto desc =
        BatchNormalizationBackward(CpuEngine(), data, request.node.Get<float>("epsilon", 1e-5f), UserScratchpad());
    const Layout vector = Layout::Plain(DType::kFloat32, {x.shape[1]});
    KernelPlan plan;
    plan.input_layouts = {x.layout, x.layout, vector, vector, vector};
    plan.output_layouts = {x.layout, vector, vector};
    std::vector<Argument> arguments = {{DNNL_ARG_SRC, Argument::kInput, 0, data},
                                       {DNNL_ARG_DIFF_DST, Argument::kInput, 1, data},
                                       {DNNL_ARG_SCALE, Argument::kInput, 2, channels},
                                       {DNNL_ARG_MEAN, Argument::kInput, 3, channels},
                                       {DNNL_ARG_VARIANCE, Argument::kInput, 4, channels},
                                       {DNNL_ARG_DIFF_SRC, Argument::kOutput, 0, data},
                                       {DNNL_ARG_DIFF_SCALE, Argument::kOutput, 1, channels},
                                       {DNNL_ARG_DIFF_SHIFT, Argument::kOutput, 2, channels}};
    if (kNormBackwardTakesShift) arguments.push_back({DNNL_ARG_SHIFT, Argument::kInput, 2, channels});
    SetPrimitive<dnnl::batch_normalization_backward>(desc, std::move(arguments), plan);
    return plan;
  });
}

}  // namespace beak::onednn
