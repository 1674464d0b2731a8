#include "engine/base/status.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"

namespace beak::onednn {

absl::StatusOr<KernelPlan> PlanConcat(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const Shape& output = request.outputs[0].shape;
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(request.node.Get<int64_t>("axis", 0), static_cast<int>(output.size())));
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    std::vector<Desc> sources;
    KernelPlan plan;
    for (const OperandInfo& input : request.inputs) {
      sources.push_back(DescOf(input));
      plan.input_layouts.push_back(LayoutOf(sources.back()));
    }
    const auto desc = Concat(CpuEngine(), axis, sources, UserScratchpad());
    std::vector<Argument> arguments = {{DNNL_ARG_DST, Argument::kOutput, 0, desc.dst_desc()}};
    for (size_t i = 0; i < sources.size(); ++i) {
      const int index = static_cast<int>(i);
      arguments.push_back({DNNL_ARG_MULTIPLE_SRC + index, Argument::kInput, index, sources[i]});
    }
    plan.output_layouts = {LayoutOf(desc.dst_desc())};
    SetPrimitive<dnnl::concat>(desc, std::move(arguments), plan);
    return plan;
  });
}

}  // namespace beak::onednn
