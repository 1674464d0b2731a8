#include <string>

#include "engine/base/status.h"
#include "engine/reference/activation.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"
#include "engine/reference/window_taps.h"

// Convolutions over one to three spatial dimensions, summed in double: channels outermost, then the window row by row,
// then bias and residual. Padding is left out of the sum, so a NaN or infinity reaches only the outputs whose window
// holds it.

namespace beak {
namespace {

// Everything that is the same for each output channel.
struct ConvPlan {
  Window3 window;
  int64_t batch;
  int64_t groups;
  int64_t group_inputs;   // channels of the input in one group
  int64_t group_outputs;  // channels of the output in one group
  bool has_bias;
  bool has_residual;
};

absl::StatusOr<ConvPlan> PlanConv(const KernelRequest& request) {
  const Shape& x = request.inputs[0].shape;
  const Shape& w = request.inputs[1].shape;
  RETURN_IF_ERROR(CheckSameType(request, {1, 2, 3}));
  ASSIGN_OR_RETURN(const Window window, ConvWindow(request.node, x, w));
  ConvPlan plan;
  ASSIGN_OR_RETURN(plan.window, Window3::From(window, x));
  plan.batch = x[0];
  plan.groups = request.node.Get<int64_t>("group", 1);
  if (plan.groups < 1 || x[1] != w[1] * plan.groups || w[0] % plan.groups != 0) {
    return absl::InvalidArgumentError(absl::StrCat("weights: expected ", plan.groups, " groups of the input's ", x[1],
                                                   " channels, got ", ToString(w)));
  }
  plan.group_inputs = w[1];
  plan.group_outputs = w[0] / plan.groups;
  plan.has_bias = HasInput(request, 2);
  plan.has_residual = HasInput(request, 3);
  RETURN_IF_ERROR(CheckElements(request, 2, w[0]));
  RETURN_IF_ERROR(CheckElements(request, 3, NumElements(request.outputs[0].shape)));
  return plan;
}

template <typename T>
double SumWindow(const ConvPlan& plan, const std::array<Taps, 3>& taps, const T* x, const T* w) {
  double sum = 0;
  for (int64_t c = 0; c < plan.group_inputs; ++c) {
    plan.window.ForEachTap(taps, [&](int64_t tap, int64_t element) {
      sum += static_cast<double>(x[element]) * static_cast<double>(w[tap]);
    });
    x += plan.window.input_size();
    w += plan.window.kernel_size();
  }
  return sum;
}

// fn(sum, place in the output) gives an output element.
template <typename T, typename Fn>
void Convolve(const ConvPlan& plan, const T* x, const T* w, T* y, Fn fn) {
  const int64_t outputs = plan.groups * plan.group_outputs;
  const int64_t group_size = plan.group_inputs * plan.window.input_size();
  for (int64_t n = 0; n < plan.batch; ++n) {
    for (int64_t m = 0; m < outputs; ++m) {
      const T* const channels = x + (n * plan.groups + m / plan.group_outputs) * group_size;
      const T* const weights = w + m * plan.group_inputs * plan.window.kernel_size();
      const int64_t start = (n * outputs + m) * plan.window.output_size();
      plan.window.ForEachOutput([&](int64_t place, const std::array<Taps, 3>& taps) {
        y[start + place] = fn(SumWindow(plan, taps, channels, weights), m, start + place);
      });
    }
  }
}

absl::StatusOr<ReferenceRun> PrepareConv(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const ConvPlan plan, PlanConv(request));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const T* const bias = plan.has_bias ? Input<T>(inputs, 2) : nullptr;
      Convolve(plan, Input<T>(inputs, 0), Input<T>(inputs, 1), Output<T>(outputs),
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
    Convolve(plan, Input<T>(inputs, 0), Input<T>(inputs, 1), Output<T>(outputs),
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
