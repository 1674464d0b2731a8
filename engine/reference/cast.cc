#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"
#include "engine/tensor/tensor.h"

// Between any two element types, float16 among them: see CastTo for what becomes of numbers that do not fit and of NaN.

namespace beak {
namespace {

absl::StatusOr<ReferenceRun> PrepareCast(const KernelRequest& request) {
  const DType from = request.inputs[0].dtype;
  const DType to = request.outputs[0].dtype;
  const int64_t count = NumElements(request.outputs[0].shape);
  return ReferenceRun([from, to, count](ReferenceInputs inputs, ReferenceOutputs outputs) {
    if (from == to) {
      CopyBytes(outputs[0], inputs[0], static_cast<size_t>(count) * SizeOf(to));
    } else {
      CastElements(from, inputs[0], to, outputs[0], count);
    }
    return absl::OkStatus();
  });
}

}  // namespace

std::vector<ReferenceEntry> CastReferences() { return {{"Cast", PrepareCast}}; }

}  // namespace beak
