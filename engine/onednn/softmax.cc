#include "engine/base/status.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"

namespace beak::onednn {
namespace {

template <typename Primitive, typename PrimitiveDesc>
KernelPlan MakePlan(const PrimitiveDesc& desc, const Desc& data, const Shape& shape) {
  KernelPlan plan;
  plan.input_layouts = {Layout::Plain(DType::kFloat32, shape)};
  plan.output_layouts = plan.input_layouts;
  plan.may_overwrite = 0;
  SetPrimitive<Primitive>(desc, {{DNNL_ARG_SRC, Argument::kInput, 0, data}, {DNNL_ARG_DST, Argument::kOutput, 0, data}},
                          plan);
  return plan;
}

}  // namespace

absl::StatusOr<KernelPlan> PlanSoftmax(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  const Shape& shape = request.inputs[0].shape;
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(request.node.Get<int64_t>("axis", -1), static_cast<int>(shape.size())));
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const Desc data = PlainDesc(shape);
    if (request.node.op == "LogSoftmax") {
      return MakePlan<LogSoftmaxPrimitive>(LogSoftmaxForward(CpuEngine(), data, axis, UserScratchpad()), data, shape);
    }
    return MakePlan<dnnl::softmax_forward>(SoftmaxForward(CpuEngine(), data, axis, UserScratchpad()), data, shape);
  });
}

}  // namespace beak::onednn
