#include <algorithm>

#include "engine/base/status.h"
#include "engine/reference/conv_geometry.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// The gradients of a convolution, summed in double in the order in which the convolution itself reads.

namespace beak {
namespace {

// The geometry of the convolution that this is a gradient of, whose output has the shape of `dy`.
absl::StatusOr<ConvGeometry> GeometryFor(const KernelRequest& request, const Shape& x, const Shape& w,
                                         const Shape& dy) {
  ASSIGN_OR_RETURN(const ConvGeometry geometry, ConvGeometry::From(request.node, x, w));
  Shape expected = {x[0], w[0]};
  const auto& output = geometry.window.output;  // in three dimensions
  expected.insert(expected.end(), output.end() - static_cast<std::ptrdiff_t>(x.size() - 2), output.end());
  if (dy == expected) return geometry;
  return absl::InvalidArgumentError(
      absl::StrCat("output's gradient: expected shape ", ToString(expected), ", got ", ToString(dy)));
}

// Calls fn(input element, weight, output element) for each product of the convolution.
template <typename Fn>
void ForEachProduct(const ConvGeometry& geometry, Fn fn) {
  const int64_t input_size = geometry.window.input_size(), kernel_size = geometry.window.kernel_size();
  for (int64_t n = 0; n < geometry.batch; ++n) {
    for (int64_t m = 0; m < geometry.outputs(); ++m) {
      const int64_t group = m / geometry.group_outputs;
      const int64_t y_start = (n * geometry.outputs() + m) * geometry.window.output_size();
      geometry.window.ForEachOutput([&](int64_t place, const std::array<Taps, 3>& taps) {
        for (int64_t c = 0; c < geometry.group_inputs; ++c) {
          const int64_t x_start = (n * geometry.inputs() + group * geometry.group_inputs + c) * input_size;
          const int64_t w_start = (m * geometry.group_inputs + c) * kernel_size;
          geometry.window.ForEachTap(
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
  ASSIGN_OR_RETURN(const ConvGeometry geometry,
                   GeometryFor(request, x, request.inputs[1].shape, request.inputs[0].shape));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [geometry, elements = NumElements(x)](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const T* const dy = Input<T>(inputs, 0);
      const T* const w = Input<T>(inputs, 1);
      std::vector<double> sums(static_cast<size_t>(elements));
      ForEachProduct(geometry, [&](int64_t i, int64_t tap, int64_t place) {
        sums[i] += static_cast<double>(w[tap]) * static_cast<double>(dy[place]);
      });
      Store(sums, Output<T>(outputs));
      return absl::OkStatus();
    };
  });
}

template <typename T>
void SumChannels(const ConvGeometry& geometry, const T* dy, T* bias) {
  const int64_t size = geometry.window.output_size();
  std::vector<double> sums(static_cast<size_t>(geometry.outputs()));
  for (int64_t i = 0; i < geometry.batch * geometry.outputs(); ++i) {
    for (int64_t e = 0; e < size; ++e) sums[i % geometry.outputs()] += static_cast<double>(dy[i * size + e]);
  }
  Store(sums, bias);
}

// x, dy -> dw, dbias
absl::StatusOr<ReferenceRun> PrepareWeightGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1}));
  const Shape w = request.outputs[0].shape;
  ASSIGN_OR_RETURN(const ConvGeometry geometry,
                   GeometryFor(request, request.inputs[0].shape, w, request.inputs[1].shape));
  const bool has_bias = HasOutput(request, 1);
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [geometry, has_bias, elements = NumElements(w)](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const T* const x = Input<T>(inputs, 0);
      const T* const dy = Input<T>(inputs, 1);
      std::vector<double> sums(static_cast<size_t>(elements));
      ForEachProduct(geometry, [&](int64_t i, int64_t tap, int64_t place) {
        sums[tap] += static_cast<double>(x[i]) * static_cast<double>(dy[place]);
      });
      Store(sums, Output<T>(outputs));
      if (has_bias) SumChannels(geometry, dy, Output<T>(outputs, 1));
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> ConvGradientReferences() {
  return {{"ConvInputGradient", PrepareInputGradient}, {"ConvWeightGradient", PrepareWeightGradient}};
}

}  // namespace beak
