#include <algorithm>

#include "engine/base/status.h"
#include "engine/ops/gradient_rule.h"

namespace beak {
namespace {

// A tensor whose second dimension is channels, and what is computed for each of them.
struct Channels {
  GradientContext& context;
  ValueId x;
  Shape shape = context.shape(x);
  DType dtype = context.dtype(x);

  // A vector of one element a channel, so that it broadcasts over the tensor.
  ValueId Spread(ValueId vector) const {
    Shape spread(shape.size(), 1);
    spread[1] = shape[1];
    return EmitReshape(context, vector, spread);
  }
  ValueId Sum(ValueId tensor) const {
    std::vector<int64_t> axes = {0};
    for (size_t d = 2; d < shape.size(); ++d) axes.push_back(static_cast<int64_t>(d));
    return EmitSum(context, tensor, axes, false);
  }
};

// With mean and variance given: y = (x - mean) scale / sqrt(variance + epsilon) + bias.
absl::Status BatchNormalization(GradientContext& context) {
  if (context.wants(3) || context.wants(4)) {
    return absl::UnimplementedError("gradient: expected mean and variance that need none");
  }
  const Channels channels{context, context.input(0)};
  const ValueId dy = context.gradient();
  const ValueId epsilon = EmitScalar(context, channels.dtype, context.node().Get("epsilon", 1e-5f));
  const ValueId deviation = context.Emit("Sqrt", {context.Emit("Add", {context.input(4), epsilon})});
  if (context.wants(0)) {
    const ValueId factor = context.Emit("Div", {context.input(1), deviation});
    context.Give(0, context.Emit("Mul", {dy, channels.Spread(factor)}));
  }
  if (context.wants(1)) {
    const ValueId centred = context.Emit("Sub", {channels.x, channels.Spread(context.input(3))});
    const ValueId sum = channels.Sum(context.Emit("Mul", {dy, centred}));
    context.Give(1, context.Emit("Div", {sum, deviation}));
  }
  if (context.wants(2)) context.Give(2, channels.Sum(dy));
  return absl::OkStatus();
}

AttributeMap Epsilon(const GradientContext& context) { return {{"epsilon", context.node().Get("epsilon", 1e-5f)}}; }

// Mean and variance are those of x itself.
absl::Status BatchNormalizationTraining(GradientContext& context) {
  if (context.gradient(0) == kNoValue || context.gradient(1) != kNoValue || context.gradient(2) != kNoValue) {
    return absl::UnimplementedError("gradient: expected a loss that does not depend on mean and variance");
  }
  const std::vector<ValueId> gradients =
      context.EmitSome("BatchNormalizationGradient",
                       {context.input(0), context.gradient(), context.input(1), context.output(1), context.output(2)},
                       Epsilon(context), {true, true, true});
  for (size_t i = 0; i < 3; ++i) {
    if (context.wants(i)) context.Give(i, gradients[i]);
  }
  return absl::OkStatus();
}

// Normalises a tensor seen as [1, rows, elements] row by row: a batch normalisation in which each row is a channel.
class Rows {
 public:
  Rows(GradientContext& context, ValueId x, const Shape& rows)
      : context_(context), shape_(context.shape(x)), rows_(rows) {
    const auto vector_of = [&](double value) {
      return context.Emit("Expand", {EmitScalar(context, context.dtype(x), value), EmitInts(context, {rows[1]})});
    };
    ones_ = vector_of(1);
    x_ = EmitReshape(context, x, rows);
    normal_ =
        context.EmitSome("BatchNormalizationTraining", {x_, ones_, vector_of(0)}, Epsilon(context), {true, true, true});
  }

  // What comes out before scale and bias, in the shape of x.
  ValueId Normal() const { return EmitReshape(context_, normal_[0], shape_); }
  // The gradient of x, given that of what comes out before scale and bias.
  ValueId Gradient(ValueId dy) const {
    const std::vector<ValueId> inputs = {x_, EmitReshape(context_, dy, rows_), ones_, normal_[1], normal_[2]};
    const std::vector<bool> wanted = {true, false, false};
    return EmitReshape(context_, context_.EmitSome("BatchNormalizationGradient", inputs, Epsilon(context_), wanted)[0],
                       shape_);
  }

 private:
  GradientContext& context_;
  const Shape shape_, rows_;
  ValueId ones_, x_;
  std::vector<ValueId> normal_;
};

// Each channel of each image is normalised alone.
absl::Status InstanceNormalization(GradientContext& context) {
  const Channels channels{context, context.input(0)};
  const ValueId dy = context.gradient();
  Shape one_image = channels.shape;
  one_image[1] *= one_image[0];
  one_image[0] = 1;
  const Rows rows(context, channels.x, one_image);
  if (context.wants(0)) {
    context.Give(0, rows.Gradient(context.Emit("Mul", {dy, channels.Spread(context.input(1))})));
  }
  if (context.wants(1)) context.Give(1, channels.Sum(context.Emit("Mul", {dy, rows.Normal()})));
  if (context.wants(2)) context.Give(2, channels.Sum(dy));
  return absl::OkStatus();
}

// All from an axis on is normalised together.
absl::Status LayerNormalization(GradientContext& context) {
  if (context.gradient(1) != kNoValue || context.gradient(2) != kNoValue) {
    return absl::UnimplementedError("gradient: expected a loss that does not depend on mean and deviation");
  }
  const Shape shape = context.shape(context.input(0));
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(context.node().Get<int64_t>("axis", -1), static_cast<int>(shape.size())));
  const int64_t count = NumElements(Shape(shape.begin(), shape.begin() + axis));
  const Rows rows(context, context.input(0), {1, count, NumElements(shape) / std::max<int64_t>(count, 1)});
  const ValueId dy = context.gradient();
  if (context.wants(0)) context.Give(0, rows.Gradient(context.Emit("Mul", {dy, context.input(1)})));
  if (context.wants(1)) GiveBroadcast(context, 1, context.Emit("Mul", {dy, rows.Normal()}));
  if (context.input(2) != kNoValue && context.wants(2)) GiveBroadcast(context, 2, dy);
  return absl::OkStatus();
}

// The mean over `size` neighbouring channels, those beyond the ends being zero. Of an even number there is one more
// above a channel than below it, or, `turned`, the other way round.
ValueId EmitNeighbourMean(GradientContext& context, ValueId x, const Shape& shape, int64_t size, bool turned) {
  const int64_t below = turned ? size / 2 : (size - 1) / 2;
  const int64_t positions = NumElements(shape) / (shape[0] * shape[1]);
  const ValueId planes = EmitReshape(context, x, {shape[0], 1, shape[1], positions});
  const ValueId mean = context.Emit("AveragePool", {planes},
                                    {{"kernel_shape", std::vector<int64_t>{size, 1}},
                                     {"pads", std::vector<int64_t>{below, 0, size - 1 - below, 0}},
                                     {"count_include_pad", int64_t{1}}});
  return EmitReshape(context, mean, shape);
}

// y = x s^-beta with s = bias + alpha mean(x^2):
// dx = dy s^-beta - 2 alpha beta x mean'(dy x s^(-beta - 1)), mean' over the channels in whose mean a channel is.
absl::Status Lrn(GradientContext& context) {
  const ValueId x = context.input(0), dy = context.gradient();
  const Shape shape = context.shape(x);
  if (NumElements(shape) == 0) return absl::UnimplementedError("gradient: expected elements, got none");
  const DType dtype = context.dtype(x);
  const auto size = context.node().Get<int64_t>("size", 1);
  const double alpha = context.node().Get("alpha", 1e-4f), beta = context.node().Get("beta", 0.75f);
  const ValueId squares = EmitNeighbourMean(context, context.Emit("Mul", {x, x}), shape, size, false);
  const ValueId base = context.Emit("Add", {EmitScaled(context, squares, dtype, alpha),
                                            EmitScalar(context, dtype, context.node().Get("bias", 1.0f))});
  const ValueId factor = context.Emit("Pow", {base, EmitScalar(context, dtype, -beta)});
  const ValueId direct = context.Emit("Mul", {dy, factor});
  const ValueId part = context.Emit("Div", {context.Emit("Mul", {direct, x}), base});
  const ValueId shared = context.Emit("Mul", {x, EmitNeighbourMean(context, part, shape, size, true)});
  context.Give(0, context.Emit("Sub", {direct, EmitScaled(context, shared, dtype, 2 * alpha * beta)}));
  return absl::OkStatus();
}

}  // namespace

std::vector<GradientEntry> NormGradients() {
  return {
      {"BatchNormalization", BatchNormalization},
      {"BatchNormalizationTraining", BatchNormalizationTraining},
      {"InstanceNormalization", InstanceNormalization},
      {"LayerNormalization", LayerNormalization},
      {"LRN", Lrn},
  };
}

}  // namespace beak
