#include "engine/base/status.h"
#include "engine/reference/arithmetic.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"
#include "engine/reference/pool_geometry.h"

// Pools over one to three spatial dimensions. A NaN in a window is its maximum (the first one gives the index) and its
// average. A window without any element inside the input has the lowest number (-inf) as maximum, index -1, and NaN as
// average. Averages are summed in double.

namespace beak {

absl::StatusOr<PoolGeometry> PoolGeometry::From(const Node& node, const Shape& x) {
  ASSIGN_OR_RETURN(const Window window, PoolWindow(node, x));
  PoolGeometry geometry;
  ASSIGN_OR_RETURN(geometry.window, Window3::From(window, x));
  geometry.channels = x[0] * x[1];
  return geometry;
}

namespace {

// The place of a row-major element of a channel when the last two dimensions are counted column by column.
int64_t ColumnMajor(const Window3& window, int64_t element) {
  const int64_t height = window.input[1];
  const int64_t width = window.input[2];
  const int64_t plane = element / (height * width);
  const int64_t y = element / width % height;
  const int64_t x = element % width;
  return (plane * width + x) * height + y;
}

// The place of the largest element of one window, -1 for none.
template <typename T>
int64_t LargestIn(const Window3& window, const std::array<Taps, 3>& taps, const T* x) {
  int64_t largest = -1;
  window.ForEachTap(taps, [&](int64_t, int64_t element) {
    if (largest < 0 || x[element] > x[largest] || (x[element] != x[element] && x[largest] == x[largest])) {
      largest = element;
    }
  });
  return largest;
}

template <typename T>
void MaxPool(const PoolGeometry& plan, bool column_major, const T* x, T* y, int64_t* indices) {
  const Window3& window = plan.window;
  for (int64_t c = 0; c < plan.channels; ++c) {
    const int64_t start = c * window.output_size();
    const int64_t origin = c * window.input_size();
    window.ForEachOutput([&](int64_t place, const std::array<Taps, 3>& taps) {
      const int64_t largest = LargestIn(window, taps, x + origin);
      y[start + place] = largest < 0 ? LowestOf<T>() : x[origin + largest];
      if (indices == nullptr) return;
      const int64_t index = column_major ? ColumnMajor(window, largest) : largest;
      indices[start + place] = largest < 0 ? -1 : origin + index;
    });
  }
}

absl::StatusOr<ReferenceRun> PrepareMaxPool(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const PoolGeometry plan, PoolGeometry::From(request.node, request.inputs[0].shape));
  const bool column_major = request.node.Get<int64_t>("storage_order", 0) != 0;
  const bool wants_indices = HasOutput(request, 1);
  return DispatchNumber(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
      MaxPool(plan, column_major, Input<T>(inputs, 0), Output<T>(outputs),
              wants_indices ? Output<int64_t>(outputs, 1) : nullptr);
      return absl::OkStatus();
    };
  });
}

// Divided by the elements of the window that lie inside the input, or inside its padding as well.
template <typename T>
void AveragePool(const PoolGeometry& plan, bool count_padding, const T* x, T* y) {
  const Window3& window = plan.window;
  for (int64_t c = 0; c < plan.channels; ++c) {
    window.ForEachOutput([&](int64_t place, const std::array<Taps, 3>& taps) {
      double sum = 0;
      int64_t count = 0;
      window.ForEachTap(taps, [&](int64_t, int64_t element) {
        sum += static_cast<double>(x[element]);
        ++count;
      });
      if (count_padding) count = window.PaddedTapsAtPlace(place);
      y[place] = static_cast<T>(sum / static_cast<double>(count));
    });
    x += window.input_size();
    y += window.output_size();
  }
}

absl::StatusOr<ReferenceRun> PrepareAveragePool(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const PoolGeometry plan, PoolGeometry::From(request.node, request.inputs[0].shape));
  const bool count_padding = request.node.Get<int64_t>("count_include_pad", 0) != 0;
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
      AveragePool(plan, count_padding, Input<T>(inputs, 0), Output<T>(outputs));
      return absl::OkStatus();
    };
  });
}

template <typename T>
T AverageOf(const T* x, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(x[i]);
  return static_cast<T>(sum / static_cast<double>(count));
}

template <typename T>
T LargestOf(const T* x, int64_t count) {
  T largest = LowestOf<T>();
  for (int64_t i = 0; i < count; ++i) largest = Maximum(largest, x[i]);
  return largest;
}

// Each channel of each image becomes one element, whatever its spatial dimensions are.
template <bool kAverage>
absl::StatusOr<ReferenceRun> PrepareGlobal(const KernelRequest& request) {
  const Shape& shape = request.inputs[0].shape;
  const int64_t channels = shape[0] * shape[1];
  const int64_t size = NumElements(Shape(shape.begin() + 2, shape.end()));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [=](ReferenceInputs inputs, ReferenceOutputs outputs) {
      const T* const x = Input<T>(inputs, 0);
      T* const y = Output<T>(outputs);
      for (int64_t c = 0; c < channels; ++c) {
        y[c] = kAverage ? AverageOf(x + c * size, size) : LargestOf(x + c * size, size);
      }
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> PoolReferences() {
  return {
      {"AveragePool", PrepareAveragePool},
      {"GlobalAveragePool", PrepareGlobal<true>},
      {"GlobalMaxPool", PrepareGlobal<false>},
      {"MaxPool", PrepareMaxPool},
  };
}

}  // namespace beak
