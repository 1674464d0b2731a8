#include <cmath>
#include <string>

#include "engine/base/status.h"
#include "engine/ops/gradient_rule.h"

namespace beak {
namespace {

// ---------------------------------------------------------------- one operand

absl::Status Identity(GradientContext& context) {
  context.Give(0, context.gradient());
  return absl::OkStatus();
}

// One kernel for all that are known by the name of the function, and by its input or output.
absl::Status EmitActivation(GradientContext& context, ValueId value, AttributeMap attributes) {
  attributes["activation"] = context.node().op;
  context.Give(0, context.Emit("ActivationGradient", {context.gradient(), value}, std::move(attributes)));
  return absl::OkStatus();
}

absl::Status OfOutput(GradientContext& context) { return EmitActivation(context, context.output(), {}); }
absl::Status OfInput(GradientContext& context) { return EmitActivation(context, context.input(0), {}); }

absl::Status Elu(GradientContext& context) {
  return EmitActivation(context, context.input(0), {{"activation_alpha", context.node().Get("alpha", 1.0f)}});
}

absl::Status LeakyRelu(GradientContext& context) {
  return EmitActivation(context, context.input(0), {{"activation_alpha", context.node().Get("alpha", 0.01f)}});
}

absl::Status Selu(GradientContext& context) {
  return EmitActivation(context, context.input(0),
                        {{"activation_alpha", context.node().Get("alpha", 1.67326319217681884765625f)},
                         {"activation_beta", context.node().Get("gamma", 1.05070102214813232421875f)}});
}

absl::Status HardSigmoid(GradientContext& context) {
  return EmitActivation(
      context, context.input(0),
      {{"activation_alpha", context.node().Get("alpha", 0.2f)}, {"activation_beta", context.node().Get("beta", 0.5f)}});
}

absl::StatusOr<float> Bound(const GradientContext& context, size_t i, float absent) {
  const ValueId bound = context.input(i);
  if (bound == kNoValue) return absent;
  const Tensor* tensor = context.graph().ConstantOf(bound);
  if (tensor == nullptr) return absl::UnimplementedError("gradient: expected constant bounds");
  ASSIGN_OR_RETURN(const Tensor value, CastTo(*tensor, DType::kFloat32));
  return value.values<float>()[0];
}

absl::Status Clip(GradientContext& context) {
  ASSIGN_OR_RETURN(const float low, Bound(context, 1, -HUGE_VALF));
  ASSIGN_OR_RETURN(const float high, Bound(context, 2, HUGE_VALF));
  return EmitActivation(context, context.input(0), {{"activation_alpha", low}, {"activation_beta", high}});
}

absl::Status Exp(GradientContext& context) {
  context.Give(0, context.Emit("Mul", {context.gradient(), context.output()}));
  return absl::OkStatus();
}

absl::Status Log(GradientContext& context) {
  context.Give(0, context.Emit("Div", {context.gradient(), context.input(0)}));
  return absl::OkStatus();
}

absl::Status Neg(GradientContext& context) {
  context.Give(0, context.Emit("Neg", {context.gradient()}));
  return absl::OkStatus();
}

absl::Status Sqrt(GradientContext& context) {
  const ValueId half = EmitScaled(context, context.gradient(), context.dtype(context.input(0)), 0.5);
  context.Give(0, context.Emit("Div", {half, context.output()}));
  return absl::OkStatus();
}

absl::Status Cast(GradientContext& context) {
  const DType from = context.dtype(context.input(0));
  if (!IsFloat(context.dtype(context.output())) || !IsFloat(from)) return absl::OkStatus();  // it has none
  context.Give(0, context.Emit("Cast", {context.gradient()}, {{"to", std::string(NameOf(from))}}));
  return absl::OkStatus();
}

// ---------------------------------------------------------------- several operands

absl::Status Add(GradientContext& context) {
  for (size_t i = 0; i < context.node().inputs.size(); ++i) {
    if (context.wants(i)) GiveBroadcast(context, i, context.gradient());
  }
  return absl::OkStatus();
}

absl::Status Mean(GradientContext& context) {
  const size_t count = context.node().inputs.size();
  const ValueId part =
      EmitScaled(context, context.gradient(), context.dtype(context.output()), 1.0 / static_cast<double>(count));
  for (size_t i = 0; i < count; ++i) {
    if (context.wants(i)) GiveBroadcast(context, i, part);
  }
  return absl::OkStatus();
}

absl::Status Sub(GradientContext& context) {
  if (context.wants(0)) GiveBroadcast(context, 0, context.gradient());
  if (context.wants(1)) GiveBroadcast(context, 1, context.Emit("Neg", {context.gradient()}));
  return absl::OkStatus();
}

absl::Status Mul(GradientContext& context) {
  for (const size_t i : {size_t{0}, size_t{1}}) {
    if (context.wants(i)) GiveBroadcast(context, i, context.Emit("Mul", {context.gradient(), context.input(1 - i)}));
  }
  return absl::OkStatus();
}

// d(a/b)/db = -(a/b)/b
absl::Status Div(GradientContext& context) {
  const ValueId b = context.input(1);
  if (context.wants(0)) GiveBroadcast(context, 0, context.Emit("Div", {context.gradient(), b}));
  if (context.wants(1)) {
    const ValueId product = context.Emit("Mul", {context.gradient(), context.output()});
    GiveBroadcast(context, 1, context.Emit("Neg", {context.Emit("Div", {product, b})}));
  }
  return absl::OkStatus();
}

// Whichever operand is the result has the gradient; of several that are equal, the first.
absl::Status Extremum(GradientContext& context) {
  const Shape shape = context.shape(context.output());
  std::vector<ValueId> inputs = {context.gradient(), context.output()};
  for (size_t i = 0; i < context.node().inputs.size(); ++i) {
    if (context.shape(context.input(i)) != shape) {
      return absl::UnimplementedError("gradient: expected operands of the same shape");
    }
    inputs.push_back(context.input(i));
  }
  const std::vector<bool> all(context.node().inputs.size(), true);
  const std::vector<ValueId> gradients = context.EmitSome("ExtremumGradient", std::move(inputs), {}, all);
  for (size_t i = 0; i < gradients.size(); ++i) {
    if (context.wants(i)) context.Give(i, gradients[i]);
  }
  return absl::OkStatus();
}

// x^p: p x^(p-1); of the exponent: y log(x).
absl::Status Pow(GradientContext& context) {
  const ValueId x = context.input(0), p = context.input(1);
  const DType dtype = context.dtype(x);
  if (context.dtype(p) != dtype) return absl::UnimplementedError("gradient: expected an exponent of the base's type");
  if (context.wants(0)) {
    const ValueId lower = context.Emit("Sub", {p, EmitScalar(context, dtype, 1)});
    const ValueId slope = context.Emit("Mul", {p, context.Emit("Pow", {x, lower})});
    GiveBroadcast(context, 0, context.Emit("Mul", {context.gradient(), slope}));
  }
  if (context.wants(1)) {
    const ValueId slope = context.Emit("Mul", {context.output(), context.Emit("Log", {x})});
    GiveBroadcast(context, 1, context.Emit("Mul", {context.gradient(), slope}));
  }
  return absl::OkStatus();
}

// x < 0 ? slope x : x. The gradient of the slope is the part of x below 0.
absl::Status PRelu(GradientContext& context) {
  const ValueId x = context.input(0), slope = context.input(1), dy = context.gradient();
  const DType dtype = context.dtype(x);
  // 1 above 0, so that dx = dy (slope + (1 - slope) above).
  if (context.wants(0)) {
    const ValueId above =
        context.Emit("ActivationGradient",
                     {context.Emit("Expand", {EmitScalar(context, dtype, 1), EmitInts(context, context.shape(x))}), x},
                     {{"activation", std::string("Relu")}});
    const ValueId rest = context.Emit("Sub", {EmitScalar(context, dtype, 1), slope});
    const ValueId factor = context.Emit("Add", {context.Emit("Mul", {above, rest}), slope});
    context.Give(0, context.Emit("Mul", {dy, factor}));
  }
  if (context.wants(1)) {
    const ValueId below = context.Emit("Sub", {x, context.Emit("Relu", {x})});
    GiveBroadcast(context, 1, context.Emit("Mul", {dy, below}));
  }
  return absl::OkStatus();
}

absl::Status Where(GradientContext& context) {
  const ValueId condition = context.input(0);
  const ValueId zero = EmitScalar(context, context.dtype(context.output()), 0);
  if (context.wants(1)) GiveBroadcast(context, 1, context.Emit("Where", {condition, context.gradient(), zero}));
  if (context.wants(2)) GiveBroadcast(context, 2, context.Emit("Where", {condition, zero, context.gradient()}));
  return absl::OkStatus();
}

}  // namespace

std::vector<GradientEntry> ElementwiseGradients() {
  return {
      {"Abs", OfInput},       {"Add", Add},           {"Cast", Cast},
      {"Clip", Clip},         {"Div", Div},           {"Dropout", Identity},
      {"Elu", Elu},           {"Exp", Exp},           {"HardSigmoid", HardSigmoid},
      {"HardSwish", OfInput}, {"Identity", Identity}, {"LeakyRelu", LeakyRelu},
      {"Log", Log},           {"Max", Extremum},      {"Mean", Mean},
      {"Min", Extremum},      {"Mul", Mul},           {"Neg", Neg},
      {"PRelu", PRelu},       {"Pow", Pow},           {"Relu", OfOutput},
      {"Selu", Selu},         {"Sigmoid", OfOutput},  {"Softplus", OfInput},
      {"Sqrt", Sqrt},         {"Sub", Sub},           {"Sum", Add},
      {"Swish", OfInput},     {"Tanh", OfOutput},     {"Where", Where},
  };
}

}  // namespace beak
