#include <utility>

#include "engine/base/status.h"
#include "engine/ops/dims.h"
#include "engine/ops/resize.h"
#include "engine/ops/rule.h"

namespace beak {
namespace {

// No image has larger blocks; keeps the square from overflowing.
constexpr int64_t kMaxBlock = 1 << 16;

absl::StatusOr<int64_t> BlockOf(const InferContext& context) {
  RETURN_IF_ERROR(ExpectRank(context, 0, 4));
  const int64_t block = context.node().Get<int64_t>("blocksize", 0);
  if (block >= 1 && block <= kMaxBlock) return block;
  return absl::InvalidArgumentError(
      absl::StrCat("attribute 'blocksize': expected one in [1, ", kMaxBlock, "], got ", block));
}

absl::StatusOr<Dim> Divide(const Dim& dim, int64_t by, const char* what) {
  if (!dim.known()) return DivideDims(dim, by);
  if (dim.value() % by == 0) return Dim(dim.value() / by);
  return absl::InvalidArgumentError(absl::StrCat(what, ": expected a multiple of ", by, ", got ", dim.value()));
}

absl::StatusOr<Dim> Multiply(const Dim& dim, int64_t by, const char* what) {
  Dim product = MultiplyDims(dim, by);
  if (product.known() || !dim.known()) return product;
  return absl::InvalidArgumentError(absl::StrCat(what, ": expected fewer, got ", dim.value()));
}

// x [N, C, H, W] -> [N, C / b^2, H * b, W * b]
absl::Status InferDepthToSpace(InferContext& context) {
  ASSIGN_OR_RETURN(const int64_t block, BlockOf(context));
  const PartialShape& shape = context.shape(0);
  ASSIGN_OR_RETURN(Dim channels, Divide(shape[1], block * block, "channels"));
  ASSIGN_OR_RETURN(Dim height, Multiply(shape[2], block, "height"));
  ASSIGN_OR_RETURN(Dim width, Multiply(shape[3], block, "width"));
  context.set_output(0, context.dtype(0), {shape[0], channels, height, width});
  return absl::OkStatus();
}

// x [N, C, H, W] -> [N, C * b^2, H / b, W / b]
absl::Status InferSpaceToDepth(InferContext& context) {
  ASSIGN_OR_RETURN(const int64_t block, BlockOf(context));
  const PartialShape& shape = context.shape(0);
  ASSIGN_OR_RETURN(Dim channels, Multiply(shape[1], block * block, "channels"));
  ASSIGN_OR_RETURN(Dim height, Divide(shape[2], block, "height"));
  ASSIGN_OR_RETURN(Dim width, Divide(shape[3], block, "width"));
  context.set_output(0, context.dtype(0), {shape[0], channels, height, width});
  return absl::OkStatus();
}

// Sizes that are known as dimensions only, as Shape -> Slice -> Concat makes them.
absl::Status InferResizeToDims(InferContext& context) {
  const PartialShape& shape = context.shape(0);
  const std::optional<std::vector<Dim>> sizes = context.dims_value(3);
  const bool all = !context.node().Has("axes") &&
                   context.node().Get<std::string>("keep_aspect_ratio_policy", "stretch") == "stretch";
  if (!all || !sizes || sizes->size() != shape.size()) {
    return context.DependsOnData("input 'sizes' must be constant");
  }
  context.set_output(0, context.dtype(0), *sizes);
  return absl::OkStatus();
}

// x, roi, scales, sizes
absl::Status InferResize(InferContext& context) {
  const PartialShape& shape = context.shape(0);
  context.set_output(0, context.dtype(0), PartialShape(shape.size()));
  const Node& node = context.node();
  if (node.Get<int64_t>("antialias", 0) != 0) return absl::UnimplementedError("attribute 'antialias': only 0");
  if (node.Get<std::string>("mode", "nearest") == "cubic") {
    return absl::UnimplementedError("attribute 'mode': cubic");
  }
  const bool has_sizes = context.has_input(3);
  if (has_sizes && context.constant(3) == nullptr) return InferResizeToDims(context);
  if (!has_sizes && context.has_input(2) && context.constant(2) == nullptr) {
    return context.DependsOnData("input 'scales' must be constant");
  }
  const bool crops = node.Get<std::string>("coordinate_transformation_mode", "") == "tf_crop_and_resize";
  if (crops && context.has_input(1) && context.constant(1) == nullptr) {
    return context.DependsOnData("input 'roi' must be constant");
  }
  const auto constant = [&context](int i) { return context.has_input(i) ? context.constant(i) : nullptr; };
  ASSIGN_OR_RETURN(PartialShape output, ResizeOutput(node, shape, constant(1), constant(2), constant(3)));
  context.set_output(0, context.dtype(0), std::move(output));
  return absl::OkStatus();
}

}  // namespace

std::vector<AttributeSpec> ResizeAttributes() {
  return {IntAttribute("antialias"),
          IntsAttribute("axes"),
          StringAttribute("coordinate_transformation_mode",
                          {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric",
                           "tf_half_pixel_for_nn", "tf_crop_and_resize"}),
          FloatAttribute("cubic_coeff_a"),
          IntAttribute("exclude_outside"),
          FloatAttribute("extrapolation_value"),
          StringAttribute("keep_aspect_ratio_policy", {"stretch", "not_larger", "not_smaller"}),
          StringAttribute("mode", {"nearest", "linear", "cubic"}),
          StringAttribute("nearest_mode", {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"})};
}

std::vector<Op> SpaceOps() {
  return {
      {.name = "DepthToSpace",
       .attributes = {Required(IntAttribute("blocksize")), StringAttribute("mode", {"DCR", "CRD"})},
       .infer = InferDepthToSpace},
      {.name = "Resize", .max_inputs = 4, .attributes = ResizeAttributes(), .infer = InferResize},
      {.name = "SpaceToDepth", .attributes = {Required(IntAttribute("blocksize"))}, .infer = InferSpaceToDepth},
  };
}

}  // namespace beak
