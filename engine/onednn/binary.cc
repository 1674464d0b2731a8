#include <algorithm>

#include "engine/base/status.h"
#include "engine/onednn/kernels.h"
#include "engine/onednn/primitive.h"

namespace beak::onednn {
namespace {

std::optional<dnnl::algorithm> AlgorithmOf(const std::string& op) {
  using dnnl::algorithm;
  if (op == "Add") return algorithm::binary_add;
  if (op == "Sub") return algorithm::binary_sub;
  if (op == "Mul") return algorithm::binary_mul;
  if (op == "Div") return algorithm::binary_div;
  if (op == "Max") return algorithm::binary_max;
  if (op == "Min") return algorithm::binary_min;
  return std::nullopt;
}

// The smaller operand's shape with ones in front: oneDNN broadcasts dimensions of size 1, not missing ones.
Dims PadRank(const Shape& shape, size_t rank) {
  Dims dims(rank - shape.size(), 1);
  dims.insert(dims.end(), shape.begin(), shape.end());
  return dims;
}

}  // namespace

absl::StatusOr<KernelPlan> PlanBinary(const KernelRequest& request) {
  RETURN_IF_ERROR(AllEligible(request));
  if (request.inputs.size() != 2) return absl::UnimplementedError("not two operands");
  const dnnl::algorithm algorithm = *AlgorithmOf(request.node.op);
  const Shape& shape = request.outputs[0].shape;
  // The operand that has the result's shape leads; the other may be broadcast. Only addition and the like commute.
  const bool commutes = request.node.op != "Sub" && request.node.op != "Div";
  const bool first_full = request.inputs[0].shape == shape, second_full = request.inputs[1].shape == shape;
  int lead = first_full ? 0 : 1;
  if (commutes && first_full && second_full && request.inputs[0].layout.plain()) lead = 1;
  if (!(lead == 0 ? first_full : second_full) || (lead == 1 && !commutes)) {
    return absl::UnimplementedError("the first operand is broadcast");
  }
  const OperandInfo& a = request.inputs[lead];
  const OperandInfo& b = request.inputs[1 - lead];
  const bool same_shape = b.shape == shape;
  return Guarded([&]() -> absl::StatusOr<KernelPlan> {
    const Desc a_desc = DescOf(a);
    const Desc b_desc = same_shape ? a_desc : PlainDesc(PadRank(b.shape, shape.size()));
    const auto desc = Binary(CpuEngine(), algorithm, a_desc, b_desc, a_desc, UserScratchpad());
    KernelPlan plan;
    plan.input_layouts.resize(2);
    plan.input_layouts[lead] = a.layout;
    plan.input_layouts[1 - lead] = same_shape ? a.layout : Layout::Plain(DType::kFloat32, b.shape);
    plan.output_layouts = {a.layout};
    plan.may_overwrite = lead;
    SetPrimitive<dnnl::binary>(desc,
                               {{DNNL_ARG_SRC_0, Argument::kInput, lead, a_desc},
                                {DNNL_ARG_SRC_1, Argument::kInput, 1 - lead, b_desc},
                                {DNNL_ARG_DST, Argument::kOutput, 0, a_desc}},
                               plan);
    return plan;
  });
}

}  // namespace beak::onednn
