#include "engine/base/status.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"
#include "engine/reference/window_taps.h"

// Transposed convolutions over one to three spatial dimensions. Each output element gathers, in double, what the
// forward rule would scatter to it: input element i reaches output i * stride + tap * dilation - pad.

namespace beak {
namespace {

struct Plan {
  Window3 window;
  int64_t batch;
  int64_t groups;
  int64_t group_inputs;
  int64_t group_outputs;
  bool has_bias;
};

absl::StatusOr<Plan> PlanConvTranspose(const KernelRequest& request) {
  const Shape& x = request.inputs[0].shape;
  const Shape& w = request.inputs[1].shape;
  RETURN_IF_ERROR(CheckSameType(request, {1, 2}));
  ASSIGN_OR_RETURN(const Window window, ConvTransposeWindow(request.node, x, w));
  Plan plan;
  ASSIGN_OR_RETURN(plan.window, Window3::From(window, x));
  plan.batch = x[0];
  plan.groups = request.node.Get<int64_t>("group", 1);
  if (plan.groups < 1 || x[1] != w[0] || x[1] % plan.groups != 0) {
    return absl::InvalidArgumentError(absl::StrCat("weights: expected ", plan.groups, " groups of the input's ", x[1],
                                                   " channels, got ", ToString(w)));
  }
  plan.group_inputs = x[1] / plan.groups;
  plan.group_outputs = w[1];
  plan.has_bias = HasInput(request, 2);
  RETURN_IF_ERROR(CheckElements(request, 2, plan.groups * plan.group_outputs));
  return plan;
}

// The input element that tap `tap` brings to output `position` along dimension d, or -1.
int64_t SourceOf(const Window3& window, size_t d, int64_t position, int64_t tap) {
  const int64_t scaled = position + window.pads_begin[d] - tap * window.dilations[d];
  if (scaled < 0 || scaled % window.strides[d] != 0) return -1;
  const int64_t source = scaled / window.strides[d];
  return source < window.input[d] ? source : -1;
}

// Calls fn(tap, element) for each tap of the window that brings an input element to the output at {z, y, x}.
template <typename Fn>
void ForEachSource(const Window3& window, const std::array<int64_t, 3>& at, Fn fn) {
  for (int64_t kz = 0; kz < window.kernel[0]; ++kz) {
    const int64_t z = SourceOf(window, 0, at[0], kz);
    if (z < 0) continue;
    for (int64_t ky = 0; ky < window.kernel[1]; ++ky) {
      const int64_t y = SourceOf(window, 1, at[1], ky);
      if (y < 0) continue;
      for (int64_t kx = 0; kx < window.kernel[2]; ++kx) {
        const int64_t x = SourceOf(window, 2, at[2], kx);
        if (x < 0) continue;
        fn((kz * window.kernel[1] + ky) * window.kernel[2] + kx, (z * window.input[1] + y) * window.input[2] + x);
      }
    }
  }
}

// One channel of one image: x and w begin at the group's first input channel (and the output channel's weights).
template <typename T>
void GatherChannel(const Plan& plan, const T* x, const T* w, double bias, T* y) {
  const Window3& window = plan.window;
  const int64_t w_step = plan.group_outputs * window.kernel_size();
  for (int64_t place = 0; place < window.output_size(); ++place) {
    const int64_t row = place / window.output[2];
    const std::array<int64_t, 3> at = {row / window.output[1], row % window.output[1], place % window.output[2]};
    double sum = 0;
    ForEachSource(window, at, [&](int64_t tap, int64_t element) {
      for (int64_t c = 0; c < plan.group_inputs; ++c) {
        sum += static_cast<double>(x[c * window.input_size() + element]) * static_cast<double>(w[c * w_step + tap]);
      }
    });
    y[place] = static_cast<T>(sum + bias);
  }
}

template <typename T>
void ConvolveTransposed(const Plan& plan, const T* x, const T* w, const T* bias, T* y) {
  const int64_t kernel_size = plan.window.kernel_size();
  const int64_t outputs = plan.groups * plan.group_outputs;
  for (int64_t n = 0; n < plan.batch; ++n) {
    for (int64_t m = 0; m < outputs; ++m) {
      const int64_t group = m / plan.group_outputs;
      const int64_t within = m % plan.group_outputs;
      GatherChannel(plan, x + (n * plan.groups + group) * plan.group_inputs * plan.window.input_size(),
                    w + (group * plan.group_inputs * plan.group_outputs + within) * kernel_size,
                    bias != nullptr ? static_cast<double>(bias[m]) : 0.0,
                    y + (n * outputs + m) * plan.window.output_size());
    }
  }
}

absl::StatusOr<ReferenceRun> PrepareConvTranspose(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const Plan plan, PlanConvTranspose(request));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      ConvolveTransposed(plan, Input<T>(inputs, 0), Input<T>(inputs, 1), plan.has_bias ? Input<T>(inputs, 2) : nullptr,
                         Output<T>(outputs));
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> ConvTransposeReferences() { return {{"ConvTranspose", PrepareConvTranspose}}; }

}  // namespace beak
