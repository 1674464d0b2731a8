#include "engine/base/status.h"
#include "engine/ops/slicing.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"
#include "engine/reference/strided_walk.h"

// Slice, for elements of any type: a walk over the result with the input's strides times the steps.

namespace beak {
namespace {

absl::StatusOr<ReferenceRun> PrepareSlice(const KernelRequest& request) {
  const OperandInfo& x = request.inputs[0];
  ASSIGN_OR_RETURN(const auto starts, ConstantInts(request, 1, "starts"));
  ASSIGN_OR_RETURN(const auto ends, ConstantInts(request, 2, "ends"));
  ASSIGN_OR_RETURN(const auto axes, ConstantInts(request, 3, "axes"));
  ASSIGN_OR_RETURN(const auto steps, ConstantInts(request, 4, "steps"));
  ASSIGN_OR_RETURN(const ResolvedSlice slice,
                   ResolveSlice(x.shape, starts.value_or(Shape()), ends.value_or(Shape()), axes, steps));
  if (slice.output != request.outputs[0].shape) {
    return absl::InvalidArgumentError(
        absl::StrCat("output: expected shape ", ToString(slice.output), ", got ", ToString(request.outputs[0].shape)));
  }
  const bool empty = NumElements(slice.output) == 0;
  Shape strides = Strides(x.shape);
  int64_t origin = 0;
  for (size_t d = 0; d < strides.size(); ++d) {
    if (!empty) origin += slice.starts[d] * strides[d];
    // A step beyond the dimension is never taken; its product with the stride might overflow.
    strides[d] = slice.output[d] > 1 ? strides[d] * slice.steps[d] : 0;
  }
  const size_t size = SizeOf(x.dtype);
  return ReferenceRun([walk = StridedWalk(slice.output, {strides}), size, start = static_cast<size_t>(origin) * size](
                          ReferenceInputs inputs, ReferenceOutputs outputs) {
    CopyStrided(walk, size, inputs[0] + start, outputs[0]);
    return absl::OkStatus();
  });
}

}  // namespace

std::vector<ReferenceEntry> SliceReferences() { return {{"Slice", PrepareSlice}}; }

}  // namespace beak
