#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>

#include "engine/base/status.h"
#include "engine/ops/axes.h"
#include "engine/ops/gradient_rule.h"
#include "engine/ops/slicing.h"

// Operators that only move elements: the gradient moves them back, and adds up what was read several times.

namespace beak {
namespace {

using Ints = std::vector<int64_t>;

absl::StatusOr<std::optional<Ints>> ConstantInts(const GradientContext& context, size_t i) {
  if (context.input(i) == kNoValue) return std::nullopt;
  const Tensor* tensor = context.graph().ConstantOf(context.input(i));
  if (tensor == nullptr) return absl::UnimplementedError("gradient: expected a constant, got one that is computed");
  ASSIGN_OR_RETURN(Ints ints, ToInt64s(*tensor));
  return ints;
}

absl::Status Reshape(GradientContext& context) {
  context.Give(0, EmitReshape(context, context.gradient(), context.shape(context.input(0))));
  return absl::OkStatus();
}

// Without a permutation the dimensions are reversed, and reversing them again restores them.
absl::Status Transpose(GradientContext& context) {
  const Ints perm = context.node().Get<Ints>("perm", {});
  AttributeMap attributes;
  if (!perm.empty()) {
    const int rank = static_cast<int>(perm.size());
    ASSIGN_OR_RETURN(const std::vector<int> axes, ResolveAxes(perm, rank));
    Ints inverse(axes.size());
    for (int i = 0; i < rank; ++i) inverse[axes[i]] = i;
    attributes["perm"] = inverse;
  }
  context.Give(0, context.Emit("Transpose", {context.gradient()}, std::move(attributes)));
  return absl::OkStatus();
}

absl::Status Expand(GradientContext& context) {
  GiveBroadcast(context, 0, context.gradient());
  return absl::OkStatus();
}

// `count` elements along one axis, from `start` on.
ValueId EmitSlice(GradientContext& context, ValueId x, int64_t axis, int64_t start, int64_t count) {
  return context.Emit("Slice",
                      {x, EmitInts(context, {start}), EmitInts(context, {start + count}), EmitInts(context, {axis})});
}

absl::Status Concat(GradientContext& context) {
  const int rank = static_cast<int>(context.shape(context.output()).size());
  ASSIGN_OR_RETURN(const int axis, NormalizeAxis(context.node().Get<int64_t>("axis", 0), rank));
  int64_t start = 0;
  for (size_t i = 0; i < context.node().inputs.size(); ++i) {
    const int64_t count = context.shape(context.input(i))[axis];
    if (context.wants(i)) context.Give(i, EmitSlice(context, context.gradient(), axis, start, count));
    start += count;
  }
  return absl::OkStatus();
}

// Outputs that the loss does not depend on are zeros.
absl::Status Split(GradientContext& context) {
  std::vector<ValueId> parts;
  const DType dtype = context.dtype(context.input(0));
  for (size_t i = 0; i < context.node().outputs.size(); ++i) {
    const ValueId output = context.output(i);
    if (output == kNoValue) return absl::UnimplementedError("gradient: expected all outputs to be wanted");
    const ValueId dy = context.gradient(i);
    const Shape shape = context.shape(output);
    const auto zeros = [&] {
      return context.Emit("Expand", {EmitScalar(context, dtype, 0), EmitInts(context, shape)});
    };
    parts.push_back(dy == kNoValue ? zeros() : dy);
  }
  context.Give(0, context.Emit("Concat", parts, {{"axis", context.node().Get<int64_t>("axis", 0)}}));
  return absl::OkStatus();
}

// Elements in the opposite order along an axis that has `count` of them.
ValueId EmitReversed(GradientContext& context, ValueId x, int64_t axis, int64_t count) {
  return context.Emit("Slice", {x, EmitInts(context, {count - 1}), EmitInts(context, {-count - 1}),
                                EmitInts(context, {axis}), EmitInts(context, {-1})});
}

// Puts `step` - 1 zeros behind each element along an axis; `shape` becomes that of the result.
ValueId EmitSpread(GradientContext& context, ValueId x, size_t axis, int64_t step, Shape& shape) {
  Shape apart = shape;
  apart.insert(apart.begin() + static_cast<std::ptrdiff_t>(axis) + 1, 1);
  Ints pads(2 * apart.size());
  pads[apart.size() + axis + 1] = step - 1;
  const ValueId padded = context.Emit("Pad", {EmitReshape(context, x, apart), EmitInts(context, pads)});
  shape[axis] *= step;
  return EmitReshape(context, padded, shape);
}

absl::Status Slice(GradientContext& context) {
  const Shape shape = context.shape(context.input(0));
  ASSIGN_OR_RETURN(const std::optional<Ints> starts, ConstantInts(context, 1));
  ASSIGN_OR_RETURN(const std::optional<Ints> ends, ConstantInts(context, 2));
  ASSIGN_OR_RETURN(const std::optional<Ints> axes, ConstantInts(context, 3));
  ASSIGN_OR_RETURN(const std::optional<Ints> steps, ConstantInts(context, 4));
  ASSIGN_OR_RETURN(ResolvedSlice slice, ResolveSlice(shape, *starts, *ends, axes, steps));
  ValueId dx = context.gradient();
  for (size_t d = 0; d < shape.size(); ++d) {
    const int64_t count = slice.output[d];
    if (count < 2) continue;  // whatever the step
    if (slice.steps[d] < 0) {
      dx = EmitReversed(context, dx, static_cast<int64_t>(d), count);
      slice.starts[d] += (count - 1) * slice.steps[d];
    }
    if (const int64_t step = std::abs(slice.steps[d]); step > 1) dx = EmitSpread(context, dx, d, step, slice.output);
  }
  Ints pads = slice.starts;
  for (size_t d = 0; d < shape.size(); ++d) pads.push_back(shape[d] - slice.starts[d] - slice.output[d]);
  context.Give(0, context.Emit("Pad", {dx, EmitInts(context, pads)}));
  return absl::OkStatus();
}

// Padding the other way: what was added is cut off, what was cut off is zero.
absl::Status Pad(GradientContext& context) {
  if (context.node().Get<std::string>("mode", "constant") != "constant") {
    return absl::UnimplementedError("gradient: expected mode 'constant'");
  }
  const int rank = static_cast<int>(context.shape(context.input(0)).size());
  ASSIGN_OR_RETURN(const std::optional<Ints> pads, ConstantInts(context, 1));
  ASSIGN_OR_RETURN(const std::optional<Ints> axes, ConstantInts(context, 3));
  ASSIGN_OR_RETURN(const ResolvedPads resolved, ResolvePads(rank, *pads, axes));
  Ints back;
  for (const int64_t begin : resolved.begin) back.push_back(-begin);
  for (const int64_t end : resolved.end) back.push_back(-end);
  context.Give(0, context.Emit("Pad", {context.gradient(), EmitInts(context, back)}));
  return absl::OkStatus();
}

// An element's gradient is the sum over its copies.
absl::Status Tile(GradientContext& context) {
  const Shape shape = context.shape(context.input(0)), tiled = context.shape(context.output());
  if (NumElements(tiled) == 0) return absl::UnimplementedError("gradient: expected elements, got none");
  Shape apart;
  Ints copies;
  for (size_t d = 0; d < shape.size(); ++d) {
    copies.push_back(static_cast<int64_t>(apart.size()));
    apart.push_back(tiled[d] / shape[d]);
    apart.push_back(shape[d]);
  }
  const ValueId dy = context.gradient();
  context.Give(0, copies.empty() ? dy : EmitSum(context, EmitReshape(context, dy, apart), copies, false));
  return absl::OkStatus();
}

absl::Status Gather(GradientContext& context) {
  AttributeMap attributes = context.node().attributes;
  attributes["input_shape"] = Ints(context.shape(context.input(0)));
  context.Give(0, context.Emit("GatherGradient", {context.gradient(), context.input(1)}, std::move(attributes)));
  return absl::OkStatus();
}

// [N, C b b, H, W] -> [N, C, H b, W b]: columns of a block are the fastest of the depth, or (CRD) so are all of a
// channel's.
absl::Status DepthToSpace(GradientContext& context) {
  const int64_t block = context.node().Get<int64_t>("blocksize", 1);
  if (context.node().Get<std::string>("mode", "DCR") == "DCR") {
    context.Give(0, context.Emit("SpaceToDepth", {context.gradient()}, {{"blocksize", block}}));
    return absl::OkStatus();
  }
  const Shape shape = context.shape(context.input(0));
  const ValueId split = EmitReshape(context, context.gradient(),
                                    {shape[0], shape[1] / (block * block), shape[2], block, shape[3], block});
  const ValueId moved = context.Emit("Transpose", {split}, {{"perm", Ints{0, 1, 3, 5, 2, 4}}});
  context.Give(0, EmitReshape(context, moved, shape));
  return absl::OkStatus();
}

absl::Status SpaceToDepth(GradientContext& context) {
  context.Give(0, context.Emit("DepthToSpace", {context.gradient()}, context.node().attributes));
  return absl::OkStatus();
}

absl::Status Resize(GradientContext& context) {
  AttributeMap attributes = context.node().attributes;
  attributes["input_shape"] = Ints(context.shape(context.input(0)));
  std::vector<ValueId> inputs = context.node().inputs;
  inputs[0] = context.gradient();
  context.Give(0, context.Emit("ResizeGradient", std::move(inputs), std::move(attributes)));
  return absl::OkStatus();
}

}  // namespace

std::vector<GradientEntry> ShapeGradients() {
  return {
      {"Concat", Concat},     {"DepthToSpace", DepthToSpace},
      {"Expand", Expand},     {"Flatten", Reshape},
      {"Gather", Gather},     {"Pad", Pad},
      {"Reshape", Reshape},   {"Resize", Resize},
      {"Slice", Slice},       {"SpaceToDepth", SpaceToDepth},
      {"Split", Split},       {"Squeeze", Reshape},
      {"Tile", Tile},         {"Transpose", Transpose},
      {"Unsqueeze", Reshape},
  };
}

}  // namespace beak
