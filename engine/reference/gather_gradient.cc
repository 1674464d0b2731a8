#include <algorithm>

#include "engine/base/status.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// The gradient of Gather: rows of dy are added up where they were taken from, in their order.

namespace beak {
namespace {

struct Plan {
  int64_t outer;
  int64_t axis_size;
  int64_t num_indices;
  int64_t piece;  // elements that one index stands for
  bool wide;      // int64 indices

  int64_t IndexAt(const std::byte* indices, int64_t i) const {
    const int64_t index =
        wide ? reinterpret_cast<const int64_t*>(indices)[i] : reinterpret_cast<const int32_t*>(indices)[i];
    return index < 0 ? index + axis_size : index;
  }
};

absl::StatusOr<Plan> PlanFor(const KernelRequest& request) {
  const Shape& shape = request.outputs[0].shape;
  ASSIGN_OR_RETURN(const int axis, NormalizeAxis(request.node.Get<int64_t>("axis", 0), static_cast<int>(shape.size())));
  const Shape outer(shape.begin(), shape.begin() + axis), inner(shape.begin() + axis + 1, shape.end());
  const Plan plan = {NumElements(outer), shape[axis], NumElements(request.inputs[1].shape), NumElements(inner),
                     request.inputs[1].dtype == DType::kInt64};
  RETURN_IF_ERROR(CheckElements(request, 0, plan.outer * plan.num_indices * plan.piece));
  return plan;
}

template <typename T>
absl::Status Scatter(const Plan& plan, const T* dy, const std::byte* indices, T* dx) {
  std::fill_n(dx, plan.outer * plan.axis_size * plan.piece, T{0});
  for (int64_t o = 0; o < plan.outer; ++o) {
    for (int64_t i = 0; i < plan.num_indices; ++i) {
      const int64_t index = plan.IndexAt(indices, i);
      if (index < 0 || index >= plan.axis_size) {
        return absl::InvalidArgumentError(absl::StrCat("index: expected one below ", plan.axis_size, ", got ", index));
      }
      T* const to = dx + (o * plan.axis_size + index) * plan.piece;
      for (int64_t e = 0; e < plan.piece; ++e) to[e] += *dy++;
    }
  }
  return absl::OkStatus();
}

// dy, indices -> dx
absl::StatusOr<ReferenceRun> PrepareGatherGradient(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const Plan plan, PlanFor(request));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      return Scatter(plan, Input<T>(inputs, 0), inputs[1], Output<T>(outputs));
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> GatherGradientReferences() { return {{"GatherGradient", PrepareGatherGradient}}; }

}  // namespace beak
