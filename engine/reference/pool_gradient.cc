#include <algorithm>

#include "engine/base/status.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"
#include "engine/reference/pool_geometry.h"

// The gradients of pools. Of several largest elements of a window the first has it all; a window without elements has
// none to give.

namespace beak {
namespace {

// x, y, dy -> dx; with `relu` x is what a ReLU gave, and dx that of the ReLU's input
template <typename T>
void MaxPoolGradient(const PoolGeometry& plan, bool relu, const T* x, const T* y, const T* dy, T* dx) {
  const int64_t size = plan.window.input_size();
  for (int64_t c = 0; c < plan.channels; ++c, x += size, dx += size) {
    std::fill_n(dx, size, T{0});
    plan.window.ForEachOutput([&](int64_t place, const std::array<Taps, 3>& taps) {
      bool found = false;
      plan.window.ForEachTap(taps, [&](int64_t, int64_t element) {
        if (found || x[element] != y[place] || (relu && !(y[place] > 0))) return;
        found = true;
        dx[element] += dy[place];
      });
    });
    y += plan.window.output_size();
    dy += plan.window.output_size();
  }
}

absl::StatusOr<ReferenceRun> PrepareMaxPoolGradient(const KernelRequest& request) {
  RETURN_IF_ERROR(CheckSameType(request, {1, 2}));
  ASSIGN_OR_RETURN(const PoolGeometry plan, PoolGeometry::From(request.node, request.inputs[0].shape));
  for (const size_t i : {1, 2}) {
    RETURN_IF_ERROR(CheckElements(request, i, plan.channels * plan.window.output_size()));
  }
  const bool relu = request.node.Get<std::string>("activation", "") == "Relu";
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan, relu](ReferenceInputs inputs, ReferenceOutputs outputs) {
      MaxPoolGradient(plan, relu, Input<T>(inputs, 0), Input<T>(inputs, 1), Input<T>(inputs, 2), Output<T>(outputs));
      return absl::OkStatus();
    };
  });
}

// dy -> dx
template <typename T>
void AveragePoolGradient(const PoolGeometry& plan, bool count_padding, const T* dy, T* dx) {
  const Window3& window = plan.window;
  for (int64_t c = 0; c < plan.channels; ++c) {
    std::fill_n(dx, window.input_size(), T{0});
    window.ForEachOutput([&](int64_t place, const std::array<Taps, 3>& taps) {
      int64_t count = 0;
      window.ForEachTap(taps, [&](int64_t, int64_t) { ++count; });
      if (count_padding) count = window.PaddedTapsAtPlace(place);
      const T part = dy[place] / static_cast<T>(count);
      window.ForEachTap(taps, [&](int64_t, int64_t element) { dx[element] += part; });
    });
    dy += window.output_size();
    dx += window.input_size();
  }
}

absl::StatusOr<ReferenceRun> PrepareAveragePoolGradient(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const PoolGeometry plan, PoolGeometry::From(request.node, request.outputs[0].shape));
  RETURN_IF_ERROR(CheckElements(request, 0, plan.channels * plan.window.output_size()));
  const bool count_padding = request.node.Get<int64_t>("count_include_pad", 0) != 0;
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
      AveragePoolGradient(plan, count_padding, Input<T>(inputs, 0), Output<T>(outputs));
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> PoolGradientReferences() {
  return {{"AveragePoolGradient", PrepareAveragePoolGradient}, {"MaxPoolGradient", PrepareMaxPoolGradient}};
}

}  // namespace beak
