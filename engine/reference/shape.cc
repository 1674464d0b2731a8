#include <algorithm>

#include "engine/base/status.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// Operators that change or tell a tensor's shape and never look at its elements.

namespace beak {
namespace {

int64_t OutputBytes(const KernelRequest& request) {
  const OperandInfo& output = request.outputs[0];
  return NumElements(output.shape) * static_cast<int64_t>(SizeOf(output.dtype));
}

// The same elements under another shape.
absl::StatusOr<ReferenceRun> PrepareCopy(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckElements(request, 0, NumElements(request.outputs[0].shape)));
  return ReferenceRun([bytes = OutputBytes(request)](ReferenceInputs inputs, ReferenceOutputs outputs) {
    CopyBytes(outputs[0], inputs[0], static_cast<size_t>(bytes));
    return absl::OkStatus();
  });
}

// At inference nothing is dropped: the mask, where it is wanted, is all true.
absl::StatusOr<ReferenceRun> PrepareDropout(const KernelRequest& request) {
  const size_t mask_count = HasOutput(request, 1) ? static_cast<size_t>(NumElements(request.outputs[1].shape)) : 0;
  return ReferenceRun([bytes = OutputBytes(request), mask_count](ReferenceInputs inputs, ReferenceOutputs outputs) {
    CopyBytes(outputs[0], inputs[0], static_cast<size_t>(bytes));
    if (mask_count != 0) std::fill_n(Output<bool>(outputs, 1), mask_count, true);
    return absl::OkStatus();
  });
}

absl::StatusOr<ReferenceRun> PrepareConstantOfShape(const KernelRequest& request) {
  const Tensor value = request.node.Get("value", Tensor::Of<float>({1}, {0.0f}));
  if (value.num_elements() != 1 || value.dtype() != request.outputs[0].dtype) {
    return absl::InvalidArgumentError(absl::StrCat("attribute 'value': expected one ", NameOf(request.outputs[0].dtype),
                                                   ", got ", NameOf(value.dtype()), " of shape ",
                                                   ToString(value.shape())));
  }
  return DispatchSize(SizeOf(value.dtype()), [&]<typename T>() -> ReferenceRun {
    T element;
    std::memcpy(&element, value.bytes(), sizeof(T));
    return [element, count = NumElements(request.outputs[0].shape)](ReferenceInputs, ReferenceOutputs outputs) {
      std::fill_n(Output<T>(outputs), count, element);
      return absl::OkStatus();
    };
  });
}

// The dimensions start .. end of the input, where negative ends count from the back and all are brought into range.
absl::StatusOr<ReferenceRun> PrepareShape(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  const int64_t rank = static_cast<int64_t>(shape.size());
  const auto in_range = [&](int64_t end) { return std::clamp<int64_t>(end < 0 ? end + rank : end, 0, rank); };
  const int64_t start = in_range(request.node.Get<int64_t>("start", 0));
  const int64_t end = std::max(start, in_range(request.node.Get<int64_t>("end", rank)));
  return ReferenceRun(
      [dims = Shape(shape.begin() + start, shape.begin() + end)](ReferenceInputs, ReferenceOutputs outputs) {
        std::copy(dims.begin(), dims.end(), Output<int64_t>(outputs));
        return absl::OkStatus();
      });
}

}  // namespace

std::vector<ReferenceEntry> ShapeReferences() {
  return {
      {"ConstantOfShape", PrepareConstantOfShape},
      {"Dropout", PrepareDropout},
      {"Flatten", PrepareCopy},
      {"Identity", PrepareCopy},
      {"Reshape", PrepareCopy},
      {"Shape", PrepareShape},
      {"Squeeze", PrepareCopy},
      {"Unsqueeze", PrepareCopy},
  };
}

}  // namespace beak
