#include <algorithm>

#include "engine/base/status.h"
#include "engine/ops/gradient_rule.h"
#include "engine/ops/window.h"

// With y = conv(x, w): the gradient of x is that of a window sliding back over dy, that of w correlates x with dy. A
// transposed convolution is such a gradient of x itself, so its own gradients are a convolution and the same
// correlation with the roles of x and dy exchanged.

namespace beak {
namespace {

AttributeMap With(AttributeMap attributes, const std::string& name, const Shape& shape) {
  attributes[name] = std::vector<int64_t>(shape);
  return attributes;
}

absl::Status Conv(GradientContext& context) {
  const ValueId x = context.input(0), w = context.input(1), dy = context.gradient();
  const AttributeMap& attributes = context.node().attributes;
  if (context.wants(0)) {
    context.Give(0, context.Emit("ConvInputGradient", {dy, w}, With(attributes, "input_shape", context.shape(x))));
  }
  const bool bias = context.input(2) != kNoValue && context.wants(2);
  if (!context.wants(1) && !bias) return absl::OkStatus();
  const std::vector<ValueId> gradients =
      context.EmitSome("ConvWeightGradient", {x, dy}, With(attributes, "weight_shape", context.shape(w)), {true, bias});
  if (context.wants(1)) context.Give(1, gradients[0]);
  if (bias) context.Give(2, gradients[1]);
  return absl::OkStatus();
}

// Of the convolution of which ConvTranspose is the gradient, with everything resolved.
absl::StatusOr<AttributeMap> ConvAttributes(const GradientContext& context) {
  const Node& node = context.node();
  ASSIGN_OR_RETURN(const Window window,
                   ConvTransposeWindow(node, context.shape(node.inputs[0]), context.shape(node.inputs[1])));
  std::vector<int64_t> pads = window.pads_begin;
  // What output_padding adds is beyond the last window.
  for (const int64_t pad : window.pads_end) pads.push_back(std::max<int64_t>(pad, 0));
  return AttributeMap{{"group", node.Get<int64_t>("group", 1)},
                      {"strides", window.strides},
                      {"dilations", window.dilations},
                      {"pads", pads}};
}

absl::Status ConvTranspose(GradientContext& context) {
  const ValueId x = context.input(0), w = context.input(1), dy = context.gradient();
  ASSIGN_OR_RETURN(const AttributeMap attributes, ConvAttributes(context));
  if (context.wants(0)) context.Give(0, context.Emit("Conv", {dy, w}, attributes));
  if (context.wants(1)) {
    context.Give(1, context.EmitSome("ConvWeightGradient", {dy, x}, With(attributes, "weight_shape", context.shape(w)),
                                     {true, false})[0]);
  }
  if (context.input(2) == kNoValue || !context.wants(2)) return absl::OkStatus();
  std::vector<int64_t> axes = {0};
  for (size_t i = 2; i < context.shape(x).size(); ++i) axes.push_back(static_cast<int64_t>(i));
  context.Give(2, EmitSum(context, dy, axes, false));
  return absl::OkStatus();
}

}  // namespace

std::vector<GradientEntry> ConvGradients() { return {{"Conv", Conv}, {"ConvTranspose", ConvTranspose}}; }

}  // namespace beak
