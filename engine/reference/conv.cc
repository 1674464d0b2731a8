#include <string>

#include "engine/base/status.h"
#include "engine/reference/activation.h"
#include "engine/reference/conv_geometry.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// Convolutions over one to three spatial dimensions, summed in double: channels outermost, then the window row by row,
// then bias and residual. Padding is left out of the sum, so a NaN or infinity reaches only the outputs whose window
// holds it.

namespace beak {

absl::StatusOr<ConvGeometry> ConvGeometry::From(const Node& node, const Shape& x, const Shape& w) {
  ASSIGN_OR_RETURN(const Window window, ConvWindow(node, x, w));
  ConvGeometry geometry;
  ASSIGN_OR_RETURN(geometry.window, Window3::From(window, x));
  geometry.batch = x[0];
  geometry.groups = node.Get<int64_t>("group", 1);
  if (geometry.groups < 1 || x[1] != w[1] * geometry.groups || w[0] % geometry.groups != 0) {
    return absl::InvalidArgumentError(absl::StrCat("weights: expected ", geometry.groups, " groups of the input's ",
                                                   x[1], " channels, got ", ToString(w)));
  }
  geometry.group_inputs = w[1];
  geometry.group_outputs = w[0] / geometry.groups;
  return geometry;
}

namespace {

struct ConvPlan {
  ConvGeometry geometry;
  bool has_bias;
  bool has_residual;
};

absl::StatusOr<ConvPlan> PlanConv(const KernelRequest& request) {
  const Shape& w = request.inputs[1].shape;
  RETURN_IF_ERROR(CheckSameType(request, {1, 2, 3}));
  ConvPlan plan;
  ASSIGN_OR_RETURN(plan.geometry, ConvGeometry::From(request.node, request.inputs[0].shape, w));
  plan.has_bias = HasInput(request, 2);
  plan.has_residual = HasInput(request, 3);
  RETURN_IF_ERROR(CheckElements(request, 2, w[0]));
  RETURN_IF_ERROR(CheckElements(request, 3, NumElements(request.outputs[0].shape)));
  return plan;
}

template <typename T>
double SumWindow(const ConvGeometry& geometry, const std::array<Taps, 3>& taps, const T* x, const T* w) {
  double sum = 0;
  for (int64_t c = 0; c < geometry.group_inputs; ++c) {
    geometry.window.ForEachTap(taps, [&](int64_t tap, int64_t element) {
      sum += static_cast<double>(x[element]) * static_cast<double>(w[tap]);
    });
    x += geometry.window.input_size();
    w += geometry.window.kernel_size();
  }
  return sum;
}

// fn(sum, place in the output) gives an output element.
template <typename T, typename Fn>
void Convolve(const ConvGeometry& geometry, const T* x, const T* w, T* y, Fn fn) {
  const int64_t outputs = geometry.outputs();
  const int64_t group_size = geometry.group_inputs * geometry.window.input_size();
  for (int64_t n = 0; n < geometry.batch; ++n) {
    for (int64_t m = 0; m < outputs; ++m) {
      const T* const channels = x + (n * geometry.groups + m / geometry.group_outputs) * group_size;
      const T* const weights = w + m * geometry.group_inputs * geometry.window.kernel_size();
      const int64_t start = (n * outputs + m) * geometry.window.output_size();
      geometry.window.ForEachOutput([&](int64_t place, const std::array<Taps, 3>& taps) {
        y[start + place] = fn(SumWindow(geometry, taps, channels, weights), m, start + place);
      });
    }
  }
}

absl::StatusOr<ReferenceRun> PrepareConv(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const ConvPlan plan, PlanConv(request));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const T* const bias = plan.has_bias ? Input<T>(inputs, 2) : nullptr;
      Convolve(plan.geometry, Input<T>(inputs, 0), Input<T>(inputs, 1), Output<T>(outputs),
               [bias](double sum, int64_t m, int64_t) {
                 return static_cast<T>(bias != nullptr ? sum + static_cast<double>(bias[m]) : sum);
               });
      return absl::OkStatus();
    };
  });
}

// y = activation(convolution + bias + residual), the activation in the element type.
template <typename T>
ReferenceRun FusedConv(const ConvPlan& plan, Activation<T> activation, T alpha, T beta) {
  return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
    const T* const bias = plan.has_bias ? Input<T>(inputs, 2) : nullptr;
    const T* const residual = plan.has_residual ? Input<T>(inputs, 3) : nullptr;
    Convolve(plan.geometry, Input<T>(inputs, 0), Input<T>(inputs, 1), Output<T>(outputs),
             [=](double sum, int64_t m, int64_t place) {
               if (bias != nullptr) sum += static_cast<double>(bias[m]);
               if (residual != nullptr) sum += static_cast<double>(residual[place]);
               return activation(static_cast<T>(sum), alpha, beta);
             });
    return absl::OkStatus();
  };
}

absl::StatusOr<ReferenceRun> PrepareFusedConv(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const ConvPlan plan, PlanConv(request));
  const std::string name = request.node.Get<std::string>("activation", "");
  RETURN_IF_ERROR(FindActivation<float>(name).status());
  const float alpha = request.node.Get("activation_alpha", 0.0f);
  const float beta = request.node.Get("activation_beta", 0.0f);
  return DispatchFloat(request.inputs[0].dtype,
                       [&]<typename T>() { return FusedConv<T>(plan, *FindActivation<T>(name), alpha, beta); });
}

}  // namespace

std::vector<ReferenceEntry> ConvReferences() { return {{"Conv", PrepareConv}, {"FusedConv", PrepareFusedConv}}; }

}  // namespace beak
