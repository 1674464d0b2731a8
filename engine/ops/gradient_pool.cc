#include "engine/ops/gradient_rule.h"

namespace beak {
namespace {

absl::Status MaxPool(GradientContext& context) {
  context.Give(0, context.Emit("MaxPoolGradient", {context.input(0), context.output(), context.gradient()},
                               context.node().attributes));
  return absl::OkStatus();
}

absl::Status AveragePool(GradientContext& context) {
  AttributeMap attributes = context.node().attributes;
  attributes["input_shape"] = std::vector<int64_t>(context.shape(context.input(0)));
  context.Give(0, context.Emit("AveragePoolGradient", {context.gradient()}, std::move(attributes)));
  return absl::OkStatus();
}

// Every element has its part.
absl::Status GlobalAveragePool(GradientContext& context) {
  const Shape shape = context.shape(context.input(0));
  const double positions = static_cast<double>(NumElements(shape) / (shape[0] * shape[1]));
  const ValueId part = EmitScaled(context, context.gradient(), context.dtype(context.input(0)), 1 / positions);
  context.Give(0, context.Emit("Expand", {part, EmitInts(context, shape)}));
  return absl::OkStatus();
}

}  // namespace

std::vector<GradientEntry> PoolGradients() {
  return {{"AveragePool", AveragePool}, {"GlobalAveragePool", GlobalAveragePool}, {"MaxPool", MaxPool}};
}

}  // namespace beak
