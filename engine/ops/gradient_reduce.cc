#include <optional>

#include "engine/base/status.h"
#include "engine/ops/axes.h"
#include "engine/ops/gradient_rule.h"

namespace beak {
namespace {

// What a node reduces over, and how a tensor of its output's elements is spread over its input again.
struct Reduction {
  Shape input;
  Shape kept;  // the output's, reduced dimensions as 1
  std::vector<int64_t> axes;
  int64_t count = 1;  // elements that become one

  ValueId Spread(GradientContext& context, ValueId x) const {
    return context.Emit("Expand", {EmitReshape(context, x, kept), EmitInts(context, input)});
  }
};

absl::StatusOr<Reduction> ReductionOf(const GradientContext& context) {
  Reduction reduction;
  reduction.input = reduction.kept = context.shape(context.input(0));
  std::optional<std::vector<int64_t>> listed;
  if (context.input(1) != kNoValue) {
    const Tensor* axes = context.graph().ConstantOf(context.input(1));
    if (axes == nullptr) return absl::UnimplementedError("gradient: expected constant axes");
    ASSIGN_OR_RETURN(listed, ToInt64s(*axes));
  }
  ASSIGN_OR_RETURN(const std::vector<int> axes,
                   ResolveReduceAxes(context.node(), listed, static_cast<int>(reduction.input.size())));
  for (const int axis : axes) {
    reduction.count *= reduction.input[axis];
    reduction.kept[axis] = 1;
    reduction.axes.push_back(axis);
  }
  return reduction;
}

absl::Status ReduceSum(GradientContext& context) {
  ASSIGN_OR_RETURN(const Reduction reduction, ReductionOf(context));
  context.Give(0, reduction.Spread(context, context.gradient()));
  return absl::OkStatus();
}

absl::Status ReduceMean(GradientContext& context) {
  ASSIGN_OR_RETURN(const Reduction reduction, ReductionOf(context));
  const double part = 1.0 / static_cast<double>(reduction.count);
  const ValueId scaled = EmitScaled(context, context.gradient(), context.dtype(context.input(0)), part);
  context.Give(0, reduction.Spread(context, scaled));
  return absl::OkStatus();
}

// Elements that are all the largest share the gradient.
absl::Status GiveToLargest(GradientContext& context, const Reduction& reduction) {
  const ValueId x = context.input(0);
  const ValueId y = EmitReshape(context, context.output(), reduction.kept);
  const std::string type = NameOf(context.dtype(x));
  const ValueId largest = context.Emit("Cast", {context.Emit("Equal", {x, y})}, {{"to", type}});
  const ValueId dy = EmitReshape(context, context.gradient(), reduction.kept);
  const ValueId part = context.Emit("Div", {dy, EmitSum(context, largest, reduction.axes, true)});
  context.Give(0, context.Emit("Mul", {largest, part}));
  return absl::OkStatus();
}

absl::Status ReduceMax(GradientContext& context) {
  ASSIGN_OR_RETURN(const Reduction reduction, ReductionOf(context));
  return GiveToLargest(context, reduction);
}

absl::Status GlobalMaxPool(GradientContext& context) {
  Reduction reduction;
  reduction.input = context.shape(context.input(0));
  reduction.kept = context.shape(context.output());
  for (size_t d = 2; d < reduction.input.size(); ++d) reduction.axes.push_back(static_cast<int64_t>(d));
  return GiveToLargest(context, reduction);
}

int64_t AxisOf(const GradientContext& context) { return context.node().Get<int64_t>("axis", -1); }

// dx = y (dy - sum(dy y))
absl::Status Softmax(GradientContext& context) {
  const ValueId y = context.output();
  const ValueId product = context.Emit("Mul", {context.gradient(), y});
  const ValueId sum = EmitSum(context, product, {AxisOf(context)}, true);
  context.Give(0, context.Emit("Mul", {context.Emit("Sub", {context.gradient(), sum}), y}));
  return absl::OkStatus();
}

// dx = dy - exp(y) sum(dy)
absl::Status LogSoftmax(GradientContext& context) {
  const ValueId dy = context.gradient();
  const ValueId sum = EmitSum(context, dy, {AxisOf(context)}, true);
  const ValueId share = context.Emit("Mul", {context.Emit("Exp", {context.output()}), sum});
  context.Give(0, context.Emit("Sub", {dy, share}));
  return absl::OkStatus();
}

}  // namespace

std::vector<GradientEntry> ReduceGradients() {
  return {
      {"GlobalMaxPool", GlobalMaxPool}, {"LogSoftmax", LogSoftmax}, {"ReduceMax", ReduceMax},
      {"ReduceMean", ReduceMean},       {"ReduceSum", ReduceSum},   {"Softmax", Softmax},
  };
}

}  // namespace beak
