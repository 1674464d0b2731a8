#include "engine/base/status.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"

namespace beak::onednn {
namespace {

// One side of a reorder. A plain side is described in the dimensions of the other: weights may be seen in their own
// way.
Desc SideDesc(const Layout& side, const Layout& other, const Shape& shape) {
  if (const auto* layout = dynamic_cast<const DnnlLayout*>(side.opaque())) return layout->packed();
  if (const auto* layout = dynamic_cast<const DnnlLayout*>(other.opaque())) return layout->plain_view();
  return PlainDesc(shape);
}

}  // namespace

absl::StatusOr<KernelPlan> PlanReorder(DType dtype, const Shape& shape, const Layout& from, const Layout& to, int) {
  OperandInfo operand;
  operand.dtype = dtype;
  operand.shape = shape;
  RETURN_IF_ERROR(Eligible(operand));
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const Desc source = SideDesc(from, to, shape), target = SideDesc(to, from, shape);
    const auto desc = dnnl::reorder::primitive_desc(CpuEngine(), source, CpuEngine(), target, UserScratchpad());
    KernelPlan plan;
    plan.input_layouts = {from};
    plan.output_layouts = {to};
    SetPrimitive<dnnl::reorder>(
        desc, {{DNNL_ARG_SRC, Argument::kInput, 0, source}, {DNNL_ARG_DST, Argument::kOutput, 0, target}}, plan);
    return plan;
  });
}

}  // namespace beak::onednn
