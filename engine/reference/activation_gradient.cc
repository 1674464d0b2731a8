#include "engine/reference/activation_gradient.h"

#include "engine/base/status.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

namespace beak {
namespace {

// dy, value -> dy * slope(value)
absl::StatusOr<ReferenceRun> PrepareActivationGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1}));
  const int64_t elements = NumElements(request.outputs[0].shape);
  RETURN_IF_ERROR(CheckElements(request, 1, elements));
  const std::string name = request.node.Get<std::string>("activation", "");
  RETURN_IF_ERROR(FindSlope<float>(name).status());
  const float alpha = request.node.Get("activation_alpha", 0.0f), beta = request.node.Get("activation_beta", 0.0f);
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [=, slope = *FindSlope<T>(name)](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const T* const dy = Input<T>(inputs, 0);
      const T* const value = Input<T>(inputs, 1);
      T* const dx = Output<T>(outputs);
      for (int64_t i = 0; i < elements; ++i) dx[i] = dy[i] * slope(value[i], alpha, beta);
      return absl::OkStatus();
    };
  });
}

// dy, y, x... -> dy for the first x that is y, 0 for the others
absl::StatusOr<ReferenceRun> PrepareExtremumGradient(const KernelRequest& request) {
  const int64_t elements = NumElements(request.inputs[0].shape);
  for (size_t i = 1; i < request.inputs.size(); ++i) RETURN_IF_ERROR(CheckElements(request, i, elements));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [elements](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const T* const dy = Input<T>(inputs, 0);
      const T* const y = Input<T>(inputs, 1);
      for (int64_t i = 0; i < elements; ++i) {
        T rest = dy[i];
        for (size_t k = 0; k < outputs.size(); ++k) {
          const bool is_it = Input<T>(inputs, k + 2)[i] == y[i];
          Output<T>(outputs, k)[i] = is_it ? rest : T{0};
          if (is_it) rest = 0;
        }
      }
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> ActivationGradientReferences() {
  return {{"ActivationGradient", PrepareActivationGradient}, {"ExtremumGradient", PrepareExtremumGradient}};
}

}  // namespace beak
