#include <algorithm>

#include "engine/base/status.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"
#include "engine/reference/window_taps.h"

// The gradients of a convolution, summed in double in the order in which the convolution itself reads.

namespace beak {
namespace {

struct Plan {
  Window3 window;
  int64_t batch;
  int64_t groups;
  int64_t group_inputs;   // channels of the input in one group
  int64_t group_outputs;  // channels of the output in one group

  int64_t inputs() const { return groups * group_inputs; }
  int64_t outputs() const { return groups * group_outputs; }
};

absl::StatusOr<Plan> PlanFor(const KernelRequest& request, const Shape& x, const Shape& w, const Shape& dy) {
  ASSIGN_OR_RETURN(const Window window, ConvWindow(request.node, x, w));
  Plan plan;
  ASSIGN_OR_RETURN(plan.window, Window3::From(window, x));
  plan.batch = x[0];
  plan.groups = request.node.Get<int64_t>("group", 1);
  if (plan.groups < 1 || x[1] != w[1] * plan.groups || w[0] % plan.groups != 0) {
    return absl::InvalidArgumentError(absl::StrCat("weights: expected ", plan.groups, " groups of the input's ", x[1],
                                                   " channels, got ", ToString(w)));
  }
  plan.group_inputs = w[1];
  plan.group_outputs = w[0] / plan.groups;
  Shape expected = {x[0], w[0]};
  expected.insert(expected.end(), window.output.begin(), window.output.end());
  if (dy == expected) return plan;
  return absl::InvalidArgumentError(
      absl::StrCat("output's gradient: expected shape ", ToString(expected), ", got ", ToString(dy)));
}

// Calls fn(input element, weight, output element) for each product of the convolution.
template <typename Fn>
void ForEachProduct(const Plan& plan, Fn fn) {
  const int64_t input_size = plan.window.input_size(), kernel_size = plan.window.kernel_size();
  for (int64_t n = 0; n < plan.batch; ++n) {
    for (int64_t m = 0; m < plan.outputs(); ++m) {
      const int64_t group = m / plan.group_outputs;
      const int64_t y_start = (n * plan.outputs() + m) * plan.window.output_size();
      plan.window.ForEachOutput([&](int64_t place, const std::array<Taps, 3>& taps) {
        for (int64_t c = 0; c < plan.group_inputs; ++c) {
          const int64_t x_start = (n * plan.inputs() + group * plan.group_inputs + c) * input_size;
          const int64_t w_start = (m * plan.group_inputs + c) * kernel_size;
          plan.window.ForEachTap(
              taps, [&](int64_t tap, int64_t element) { fn(x_start + element, w_start + tap, y_start + place); });
        }
      });
    }
  }
}

template <typename T>
void Store(const std::vector<double>& sums, T* out) {
  std::transform(sums.begin(), sums.end(), out, [](double sum) { return static_cast<T>(sum); });
}

// dy, w -> dx
absl::StatusOr<ReferenceRun> PrepareInputGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1}));
  const Shape x = request.outputs[0].shape;
  ASSIGN_OR_RETURN(const Plan plan, PlanFor(request, x, request.inputs[1].shape, request.inputs[0].shape));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan, elements = NumElements(x)](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const T* const dy = Input<T>(inputs, 0);
      const T* const w = Input<T>(inputs, 1);
      std::vector<double> sums(static_cast<size_t>(elements));
      ForEachProduct(plan, [&](int64_t i, int64_t tap, int64_t place) {
        sums[i] += static_cast<double>(w[tap]) * static_cast<double>(dy[place]);
      });
      Store(sums, Output<T>(outputs));
      return absl::OkStatus();
    };
  });
}

template <typename T>
void SumChannels(const Plan& plan, const T* dy, T* bias) {
  const int64_t size = plan.window.output_size();
  std::vector<double> sums(static_cast<size_t>(plan.outputs()));
  for (int64_t i = 0; i < plan.batch * plan.outputs(); ++i) {
    for (int64_t e = 0; e < size; ++e) sums[i % plan.outputs()] += static_cast<double>(dy[i * size + e]);
  }
  Store(sums, bias);
}

// x, dy -> dw, dbias
absl::StatusOr<ReferenceRun> PrepareWeightGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1}));
  const Shape w = request.outputs[0].shape;
  ASSIGN_OR_RETURN(const Plan plan, PlanFor(request, request.inputs[0].shape, w, request.inputs[1].shape));
  const bool has_bias = HasOutput(request, 1);
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan, has_bias, elements = NumElements(w)](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const T* const x = Input<T>(inputs, 0);
      const T* const dy = Input<T>(inputs, 1);
      std::vector<double> sums(static_cast<size_t>(elements));
      ForEachProduct(plan, [&](int64_t i, int64_t tap, int64_t place) {
        sums[tap] += static_cast<double>(x[i]) * static_cast<double>(dy[place]);
      });
      Store(sums, Output<T>(outputs));
      if (has_bias) SumChannels(plan, dy, Output<T>(outputs, 1));
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> ConvGradientReferences() {
  return {{"ConvInputGradient", PrepareInputGradient}, {"ConvWeightGradient", PrepareWeightGradient}};
}

}  // namespace beak
