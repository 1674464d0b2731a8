#include <type_traits>

#include "engine/base/status.h"
#include "engine/reference/arithmetic.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/elementwise.h"
#include "engine/reference/kernels.h"

// Any number of broadcast operands, taken from the left, computed in the element type. A NaN in any of them is the
// result, as with NumPy's maximum and minimum.

namespace beak {
namespace {

// How the first two operands meet, and how the result so far meets each of the others.
absl::StatusOr<std::vector<StridedWalk>> PlanWalks(const KernelRequest& request) {
  const Shape& result = request.outputs[0].shape;
  std::vector<StridedWalk> walks;
  for (size_t i = 1; i < request.inputs.size(); ++i) {
    const Shape& left = i == 1 ? request.inputs[0].shape : result;
    ASSIGN_OR_RETURN(StridedWalk walk, StridedWalk::Broadcast(result, {left, request.inputs[i].shape}));
    walks.push_back(std::move(walk));
  }
  return walks;
}

template <typename T, typename Fn>
void Fold(const std::vector<StridedWalk>& walks, int64_t count, ReferenceInputs inputs, T* out, Fn fn) {
  const T* left = Input<T>(inputs, 0);
  if (walks.empty()) CopyBytes(out, left, static_cast<size_t>(count) * sizeof(T));
  for (size_t i = 0; i < walks.size(); ++i) {
    ApplyBinary(walks[i], left, Input<T>(inputs, i + 1), out, fn);
    left = out;
  }
}

struct MaxFn {
  template <typename T>
  T operator()(T a, T b) const {
    return Maximum(a, b);
  }
};
struct MinFn {
  template <typename T>
  T operator()(T a, T b) const {
    return Minimum(a, b);
  }
};
struct AddFn {
  template <typename T>
  T operator()(T a, T b) const {
    return Add(a, b);
  }
};

absl::Status CheckTypes(const KernelRequest& request) {
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    if (!HasInput(request, i)) return absl::InvalidArgumentError(absl::StrCat("input ", i, ": expected one, got none"));
    RETURN_IF_ERROR(CheckSameType(request, {i}));
  }
  return absl::OkStatus();
}

template <typename Fn>
absl::StatusOr<ReferenceRun> Prepare(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckTypes(request));
  ASSIGN_OR_RETURN(const std::vector<StridedWalk> walks, PlanWalks(request));
  return DispatchNumber(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [walks, count = NumElements(request.outputs[0].shape)](ReferenceInputs inputs, ReferenceOutputs outputs) {
      Fold(walks, count, inputs, Output<T>(outputs), Fn());
      return absl::OkStatus();
    };
  });
}

// The sum over the number of operands.
absl::StatusOr<ReferenceRun> PrepareMean(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckTypes(request));
  ASSIGN_OR_RETURN(const std::vector<StridedWalk> walks, PlanWalks(request));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [walks, count = NumElements(request.outputs[0].shape)](ReferenceInputs inputs, ReferenceOutputs outputs) {
      T* const out = Output<T>(outputs);
      Fold(walks, count, inputs, out, AddFn());
      const T divisor = static_cast<T>(inputs.size());
      for (int64_t i = 0; i < count; ++i) out[i] /= divisor;
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> VariadicReferences() {
  return {
      {"Max", Prepare<MaxFn>},
      {"Mean", PrepareMean},
      {"Min", Prepare<MinFn>},
      {"Sum", Prepare<AddFn>},
  };
}

}  // namespace beak
