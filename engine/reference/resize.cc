#include "engine/ops/resize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>

#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernels.h"

// Resize: nearest for elements of any type, linear over up to four dimensions for floats. Coordinates are computed in
// float, as other runtimes do, so that all round alike. A neighbour of weight 0 is not looked at: its NaN or infinity
// stays where it is.

namespace beak {
namespace {

// How long a resized dimension's table may be: far above any image, far below the machine's memory.
constexpr int64_t kMaxResizedDim = int64_t{1} << 24;
constexpr int kMaxLinearAxes = 4;

// Where the elements of one dimension of the output come from.
struct Axis {
  bool identity = true;  // element i is element i of the input: no table
  int64_t stride = 1;    // of the input
  std::vector<int64_t> low, high;
  std::vector<float> weight;  // of `high`; `low` has the rest

  int64_t Low(int64_t i) const { return identity ? i : low[i]; }  // kOutside: the extrapolation value
  int64_t High(int64_t i) const { return identity ? i : high[i]; }
  float Weight(int64_t i) const { return identity ? 0.0f : weight[i]; }
};
constexpr int64_t kOutside = -1;

struct ResizePlan {
  Shape output;  // at least one dimension
  std::vector<Axis> axes;
  std::array<std::byte, 8> extrapolation{};  // one element
};

// One dimension as the attribute coordinate_transformation_mode sees it.
struct Coordinates {
  std::string mode;
  float scale;
  float input;    // length
  float output;   // length; a fraction where scales say so
  float resized;  // the whole length
  float roi_begin, roi_end;

  // The place in the input that output element `i` is taken from.
  float SourceOf(float i) const {
    if (mode == "asymmetric") return i / scale;
    if (mode == "tf_half_pixel_for_nn") return (i + 0.5f) / scale;
    if (mode == "align_corners") return resized > 1 ? i * (input - 1) / (output - 1) : 0.0f;
    if (mode == "tf_crop_and_resize") {
      if (resized <= 1) return 0.5f * (roi_begin + roi_end) * (input - 1);
      return roi_begin * (input - 1) + i * (roi_end - roi_begin) * (input - 1) / (resized - 1);
    }
    if (mode == "pytorch_half_pixel" && resized <= 1) return 0.0f;
    const float half_pixel = (i + 0.5f) / scale - 0.5f;
    if (mode != "half_pixel_symmetric") return half_pixel;
    return input / 2 * (1 - resized / (scale * input)) + half_pixel;
  }
};

// The whole number that nearest_mode makes of a place.
float RoundBy(const std::string& nearest_mode, float x) {
  if (nearest_mode == "floor") return std::floor(x);
  if (nearest_mode == "ceil") return std::ceil(x);
  if (nearest_mode == "round_prefer_ceil") return std::floor(x + 0.5f);
  return std::ceil(x - 0.5f);
}

struct Method {
  bool linear;
  std::string nearest_mode;
};

void FillTable(const Coordinates& coordinates, const Method& method, int64_t input, int64_t output, Axis& axis) {
  const float last = static_cast<float>(input - 1);
  for (int64_t i = 0; i < output; ++i) {
    const float x = coordinates.SourceOf(static_cast<float>(i));
    const bool outside = coordinates.mode == "tf_crop_and_resize" && !(x >= 0 && x <= last);
    const float inside = std::clamp(method.linear ? x : RoundBy(method.nearest_mode, x), 0.0f, last);
    const int64_t low = std::min(static_cast<int64_t>(inside), input - 1);
    axis.low.push_back(outside ? kOutside : low);
    axis.high.push_back(std::min(low + 1, input - 1));
    axis.weight.push_back(axis.high.back() == low ? 0.0f : inside - static_cast<float>(low));
  }
}

absl::StatusOr<ResizePlan> PlanResize(const KernelRequest& request, const Method& method) {
  const Node& node = request.node;
  const Shape& input = request.inputs[0].shape;
  const auto constant = [&](size_t i) { return HasInput(request, i) ? request.inputs[i].constant : nullptr; };
  ASSIGN_OR_RETURN(const ResolvedResize resolved, ResolveResize(node, input, constant(1), constant(2), constant(3)));
  ResizePlan plan;
  plan.output = resolved.output;
  const bool by_sizes = constant(3) != nullptr && constant(3)->num_elements() > 0;
  const Shape strides = Strides(input);
  const std::string mode = node.Get<std::string>("coordinate_transformation_mode", "half_pixel");
  for (size_t d = 0; d < input.size(); ++d) {
    Axis& axis = plan.axes.emplace_back();
    axis.stride = strides[d];
    axis.identity = plan.output[d] == input[d] && resolved.scales[d] == 1.0f &&
                    (mode != "tf_crop_and_resize" || (resolved.roi_begin[d] == 0.0f && resolved.roi_end[d] == 1.0f));
    if (axis.identity) continue;
    if (plan.output[d] > kMaxResizedDim) {
      return absl::ResourceExhaustedError(
          absl::StrCat("output: expected resized dimensions of at most ", kMaxResizedDim, ", got ", plan.output[d]));
    }
    const float length = static_cast<float>(input[d]);
    const float resized = static_cast<float>(plan.output[d]);
    FillTable({mode, resolved.scales[d], length, by_sizes ? resized : length * resolved.scales[d], resized,
               resolved.roi_begin[d], resolved.roi_end[d]},
              method, input[d], plan.output[d], axis);
  }
  if (plan.output.empty()) {  // a scalar is a row of one element
    plan.output = {1};
    plan.axes.emplace_back();
  }
  const float extrapolation = node.Get("extrapolation_value", 0.0f);
  CastElements(DType::kFloat32, reinterpret_cast<const std::byte*>(&extrapolation), request.inputs[0].dtype,
               plan.extrapolation.data(), 1);
  return plan;
}

template <typename T>
T ExtrapolationOf(const ResizePlan& plan) {
  T value;
  std::memcpy(&value, plan.extrapolation.data(), sizeof(T));
  return value;
}

// Calls fn(index of the outer dimensions) for each row of the output.
template <typename Fn>
void ForEachRow(const ResizePlan& plan, Fn fn) {
  if (NumElements(plan.output) == 0) return;
  std::array<int64_t, limits::kMaxRank> index{};
  for (;;) {
    fn(index);
    int d = static_cast<int>(plan.output.size()) - 2;
    while (d >= 0 && ++index[d] == plan.output[d]) index[d--] = 0;
    if (d < 0) return;
  }
}

template <typename T>
void ResizeNearest(const ResizePlan& plan, const T* in, T* out) {
  const T extrapolation = ExtrapolationOf<T>(plan);
  const Axis& columns = plan.axes.back();
  const int64_t width = plan.output.back();
  ForEachRow(plan, [&](const auto& index) {
    int64_t offset = 0;
    bool outside = false;
    for (size_t d = 0; d + 1 < plan.axes.size(); ++d) {
      const int64_t low = plan.axes[d].Low(index[d]);
      outside = outside || low == kOutside;
      offset += low * plan.axes[d].stride;
    }
    if (outside) {
      std::fill_n(out, width, extrapolation);
    } else if (columns.identity) {
      std::memcpy(out, in + offset, static_cast<size_t>(width) * sizeof(T));
    } else {
      for (int64_t x = 0; x < width; ++x) {
        out[x] = columns.low[x] == kOutside ? extrapolation : in[offset + columns.low[x]];
      }
    }
    out += width;
  });
}

// The rows of the input that one row of the output is a mean of.
struct Corners {
  struct Row {
    int64_t offset;
    float weight;
  };
  std::array<Row, 1 << kMaxLinearAxes> rows;
  int count;  // 0: outside
};

Corners CornersOf(const ResizePlan& plan, const std::array<int64_t, limits::kMaxRank>& index) {
  Corners corners;
  corners.rows[0] = {0, 1.0f};
  corners.count = 1;
  for (size_t d = 0; d + 1 < plan.axes.size(); ++d) {
    const Axis& axis = plan.axes[d];
    const int64_t low = axis.Low(index[d]);
    if (low == kOutside) return {{}, 0};
    const float weight = axis.Weight(index[d]);
    for (int i = 0, count = corners.count; i < count; ++i) {
      Corners::Row& row = corners.rows[i];
      if (weight != 0) {
        corners.rows[corners.count++] = {row.offset + axis.High(index[d]) * axis.stride, row.weight * weight};
      }
      row = {row.offset + low * axis.stride, row.weight * (1 - weight)};
    }
  }
  return corners;
}

template <typename T>
T Interpolate(const T* row, int64_t low, int64_t high, T weight) {
  return weight == 0 ? row[low] : row[low] * (1 - weight) + row[high] * weight;
}

template <typename T>
void ResizeLinear(const ResizePlan& plan, const T* in, T* out) {
  const T extrapolation = ExtrapolationOf<T>(plan);
  const Axis& columns = plan.axes.back();
  const int64_t width = plan.output.back();
  ForEachRow(plan, [&](const auto& index) {
    const Corners corners = CornersOf(plan, index);
    for (int64_t x = 0; x < width; ++x) {
      const int64_t low = columns.Low(x);
      if (corners.count == 0 || low == kOutside) {
        out[x] = extrapolation;
        continue;
      }
      T sum = 0;
      for (int i = 0; i < corners.count; ++i) {
        const auto& [offset, weight] = corners.rows[i];
        sum += Interpolate<T>(in + offset, low, columns.High(x), columns.Weight(x)) * weight;
      }
      out[x] = sum;
    }
    out += width;
  });
}

// Each element of dy goes back to those that its own was a mean of, by their weights; a nearest one has all of it.
template <typename T>
void ResizeGradient(const ResizePlan& plan, const T* dy, T* dx) {
  const Axis& columns = plan.axes.back();
  const int64_t width = plan.output.back();
  ForEachRow(plan, [&](const auto& index) {
    const Corners corners = CornersOf(plan, index);
    for (int64_t x = 0; x < width && corners.count > 0; ++x) {
      const int64_t low = columns.Low(x);
      if (low == kOutside) continue;
      const T weight = columns.Weight(x);
      for (int i = 0; i < corners.count; ++i) {
        T* const row = dx + corners.rows[i].offset;
        const T part = dy[x] * corners.rows[i].weight;
        row[low] += part * (1 - weight);
        if (weight != 0) row[columns.High(x)] += part * weight;
      }
    }
    dy += width;
  });
}

absl::StatusOr<Method> MethodOf(const Node& node) {
  const std::string mode = node.Get<std::string>("mode", "nearest");
  if (mode != "nearest" && mode != "linear") {
    return absl::UnimplementedError(absl::StrCat("attribute 'mode': expected nearest or linear, got ", mode));
  }
  return Method{mode == "linear", node.Get<std::string>("nearest_mode", "round_prefer_floor")};
}

absl::Status CheckAxes(const ResizePlan& plan) {
  const auto resized =
      std::count_if(plan.axes.begin(), plan.axes.end(), [](const Axis& axis) { return !axis.identity; });
  if (resized <= kMaxLinearAxes) return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat("attribute 'mode': expected linear in at most ", kMaxLinearAxes, " dimensions, got ", resized));
}

// dy, roi, scales, sizes -> dx; the shape of the forward input is that of dx.
absl::StatusOr<ReferenceRun> PrepareResizeGradient(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const Method method, MethodOf(request.node));
  KernelRequest forward{request.node, request.inputs, request.outputs};
  forward.inputs[0].shape = request.outputs[0].shape;
  ASSIGN_OR_RETURN(const ResizePlan plan, PlanResize(forward, method));
  if (method.linear) RETURN_IF_ERROR(CheckAxes(plan));
  RETURN_IF_ERROR(CheckElements(request, 0, NumElements(plan.output)));
  const int64_t elements = NumElements(request.outputs[0].shape);
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan, elements](ReferenceInputs inputs, ReferenceOutputs outputs) {
      std::fill_n(Output<T>(outputs), elements, T{0});
      ResizeGradient(plan, Input<T>(inputs, 0), Output<T>(outputs));
      return absl::OkStatus();
    };
  });
}

absl::StatusOr<ReferenceRun> PrepareResize(const KernelRequest& request) {
  ASSIGN_OR_RETURN(const Method method, MethodOf(request.node));
  ASSIGN_OR_RETURN(const ResizePlan plan, PlanResize(request, method));
  if (!method.linear) {
    return DispatchSize(SizeOf(request.inputs[0].dtype), [&]<typename T>() -> ReferenceRun {
      return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
        ResizeNearest(plan, Input<T>(inputs, 0), Output<T>(outputs));
        return absl::OkStatus();
      };
    });
  }
  RETURN_IF_ERROR(CheckAxes(plan));
  return DispatchFloat(request.inputs[0].dtype, [&]<typename T>() -> ReferenceRun {
    return [plan](ReferenceInputs inputs, ReferenceOutputs outputs) {
      ResizeLinear(plan, Input<T>(inputs, 0), Output<T>(outputs));
      return absl::OkStatus();
    };
  });
}

}  // namespace

std::vector<ReferenceEntry> ResizeReferences() {
  return {{"Resize", PrepareResize}, {"ResizeGradient", PrepareResizeGradient}};
}

}  // namespace beak
