#include "engine/ops/resize.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "engine/base/status.h"
#include "engine/ops/axes.h"

namespace beak {
namespace {

// Larger outputs have no place in any tensor; keeps the product of scale and size within int64_t.
constexpr float kMaxSize = 1e12f;

bool IsGiven(const Tensor* tensor) { return tensor != nullptr && tensor->num_elements() > 0; }

// Elements of a float tensor, one or more numbers (`per_axis`) an axis.
absl::StatusOr<std::vector<float>> Floats(const Tensor& tensor, const char* what, size_t expected) {
  if (!IsFloat(tensor.dtype()) || static_cast<size_t>(tensor.num_elements()) != expected) {
    return absl::InvalidArgumentError(absl::StrCat("input '", what, "': expected ", expected, " floats, got ",
                                                   NameOf(tensor.dtype()), " ", ToString(tensor.shape())));
  }
  ASSIGN_OR_RETURN(const Tensor cast, CastTo(tensor, DType::kFloat32));
  const std::span<const float> values = cast.values<float>();
  return std::vector<float>(values.begin(), values.end());
}

// What the node's inputs say, per dimension of its input.
struct ResizeInputs {
  std::vector<int> axes;  // those that are resized
  std::vector<float> scales;
  std::optional<std::vector<int64_t>> sizes;  // as given, in the order of `axes`
  std::vector<float> roi_begin;
  std::vector<float> roi_end;
  bool crops = false;
};

absl::Status ReadScales(const Tensor& tensor, ResizeInputs& inputs) {
  ASSIGN_OR_RETURN(const std::vector<float> scales, Floats(tensor, "scales", inputs.axes.size()));
  for (size_t i = 0; i < scales.size(); ++i) {
    if (!(scales[i] > 0) || !std::isfinite(scales[i])) {
      return absl::InvalidArgumentError(absl::StrCat("input 'scales': expected numbers above 0, got ", scales[i]));
    }
    inputs.scales[inputs.axes[i]] = scales[i];
  }
  return absl::OkStatus();
}

absl::Status ReadSizes(const Tensor& tensor, ResizeInputs& inputs) {
  ASSIGN_OR_RETURN(inputs.sizes, ToInt64s(tensor));
  if (inputs.sizes->size() != inputs.axes.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("input 'sizes': expected ", inputs.axes.size(), " numbers, got ", inputs.sizes->size()));
  }
  for (const int64_t size : *inputs.sizes) {
    if (size < 1 || static_cast<float>(size) > kMaxSize) {
      return absl::InvalidArgumentError(absl::StrCat("input 'sizes': expected numbers above 0, got ", size));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadRoi(const Tensor* roi, ResizeInputs& inputs) {
  const size_t count = inputs.axes.size();
  if (roi == nullptr) return absl::InvalidArgumentError("input 'roi': expected one for tf_crop_and_resize, got none");
  ASSIGN_OR_RETURN(const std::vector<float> values, Floats(*roi, "roi", 2 * count));
  for (size_t i = 0; i < count; ++i) {
    if (!std::isfinite(values[i]) || !std::isfinite(values[i + count])) {
      return absl::InvalidArgumentError("input 'roi': expected finite numbers");
    }
    inputs.roi_begin[inputs.axes[i]] = values[i];
    inputs.roi_end[inputs.axes[i]] = values[i + count];
  }
  return absl::OkStatus();
}

absl::StatusOr<ResizeInputs> ReadInputs(const Node& node, size_t rank, const Tensor* roi, const Tensor* scales,
                                        const Tensor* sizes) {
  ResizeInputs inputs;
  std::vector<int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  axes = node.Get<std::vector<int64_t>>("axes", std::move(axes));
  ASSIGN_OR_RETURN(inputs.axes, ResolveAxes(axes, static_cast<int>(rank)));
  inputs.scales.assign(rank, 1.0f);
  inputs.roi_begin.assign(rank, 0.0f);
  inputs.roi_end.assign(rank, 1.0f);
  if (IsGiven(scales) == IsGiven(sizes)) {
    return absl::InvalidArgumentError(
        absl::StrCat("inputs: expected either 'scales' or 'sizes', got ", IsGiven(scales) ? "both" : "neither"));
  }
  RETURN_IF_ERROR(IsGiven(scales) ? ReadScales(*scales, inputs) : ReadSizes(*sizes, inputs));
  inputs.crops = node.Get<std::string>("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize";
  if (inputs.crops) RETURN_IF_ERROR(ReadRoi(roi, inputs));
  return inputs;
}

absl::Status CheckInput(int64_t size) {
  if (size >= 1) return absl::OkStatus();
  return absl::InvalidArgumentError("input: expected at least one element in a resized dimension, got none");
}

absl::StatusOr<int64_t> ScaledSize(const ResizeInputs& inputs, size_t d, int64_t size) {
  const float part = inputs.roi_end[d] - inputs.roi_begin[d];
  const float scaled = std::floor(static_cast<float>(size) * part * inputs.scales[d]);
  if (!(scaled >= 1 && scaled <= kMaxSize)) {
    return absl::InvalidArgumentError(absl::StrCat("output: expected at least one element, got ", scaled));
  }
  return static_cast<int64_t>(scaled);
}

// The one scale that keeps the aspect ratio where the sizes are bounds; nullopt where they are just sizes.
absl::StatusOr<std::optional<float>> CommonScale(const Node& node, const ResizeInputs& inputs,
                                                 const PartialShape& shape) {
  const std::string policy = node.Get<std::string>("keep_aspect_ratio_policy", "stretch");
  if (policy == "stretch" || inputs.axes.empty()) return std::optional<float>();
  std::optional<float> common;
  for (size_t i = 0; i < inputs.axes.size(); ++i) {
    const int64_t size = shape[inputs.axes[i]].value();
    RETURN_IF_ERROR(CheckInput(size));
    const float scale = static_cast<float>((*inputs.sizes)[i]) / static_cast<float>(size);
    if (!common || (policy == "not_larger" ? scale < *common : scale > *common)) common = scale;
  }
  return common;
}

// Sets output sizes and scales of the resized dimensions from the sizes that were given.
absl::Status ApplySizes(const Node& node, ResizeInputs& inputs, const PartialShape& shape, PartialShape& output) {
  const bool known = std::all_of(inputs.axes.begin(), inputs.axes.end(), [&](int axis) { return shape[axis].known(); });
  const bool stretch = node.Get<std::string>("keep_aspect_ratio_policy", "stretch") == "stretch";
  std::optional<float> common;
  if (known) {
    ASSIGN_OR_RETURN(common, CommonScale(node, inputs, shape));
  }
  for (size_t i = 0; i < inputs.axes.size(); ++i) {
    const int axis = inputs.axes[i];
    output[axis] = stretch ? Dim((*inputs.sizes)[i]) : Dim();
    if (!shape[axis].known()) continue;
    const int64_t size = shape[axis].value();
    RETURN_IF_ERROR(CheckInput(size));
    if (common) {
      inputs.scales[axis] = *common;
      output[axis] = static_cast<int64_t>(std::floor(static_cast<double>(*common) * static_cast<double>(size) + 0.5));
    } else {
      inputs.scales[axis] = static_cast<float>((*inputs.sizes)[i]) / static_cast<float>(size);
    }
  }
  return absl::OkStatus();
}

absl::Status ApplyScales(const ResizeInputs& inputs, const PartialShape& shape, PartialShape& output) {
  for (const int axis : inputs.axes) {
    if (inputs.scales[axis] == 1.0f && !inputs.crops) continue;
    output[axis] = Dim();
    if (!shape[axis].known()) continue;
    ASSIGN_OR_RETURN(output[axis], ScaledSize(inputs, axis, shape[axis].value()));
  }
  return absl::OkStatus();
}

absl::StatusOr<PartialShape> Apply(const Node& node, ResizeInputs& inputs, const PartialShape& shape) {
  PartialShape output = shape;
  if (inputs.sizes) {
    RETURN_IF_ERROR(ApplySizes(node, inputs, shape, output));
  } else {
    RETURN_IF_ERROR(ApplyScales(inputs, shape, output));
  }
  return output;
}

}  // namespace

absl::StatusOr<ResolvedResize> ResolveResize(const Node& node, const Shape& input, const Tensor* roi,
                                             const Tensor* scales, const Tensor* sizes) {
  ASSIGN_OR_RETURN(ResizeInputs inputs, ReadInputs(node, input.size(), roi, scales, sizes));
  ASSIGN_OR_RETURN(const PartialShape output, Apply(node, inputs, ToPartial(input)));
  return ResolvedResize{ToShape(output), std::move(inputs.scales), std::move(inputs.roi_begin),
                        std::move(inputs.roi_end)};
}

absl::StatusOr<PartialShape> ResizeOutput(const Node& node, const PartialShape& input, const Tensor* roi,
                                          const Tensor* scales, const Tensor* sizes) {
  ASSIGN_OR_RETURN(ResizeInputs inputs, ReadInputs(node, input.size(), roi, scales, sizes));
  return Apply(node, inputs, input);
}

}  // namespace beak
