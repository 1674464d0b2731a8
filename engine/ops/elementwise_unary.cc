#include <optional>

#include "engine/base/status.h"
#include "engine/ops/rule.h"

namespace beak {
namespace {

absl::Status InferFloat(InferContext& context) {
  RETURN_IF_ERROR(ExpectFloat(context, 0));
  return InferAsInput(context);
}

absl::Status InferNumber(InferContext& context) {
  RETURN_IF_ERROR(ExpectNumber(context, 0));
  return InferAsInput(context);
}

void ForwardDimsValue(InferContext& context) {
  if (std::optional<std::vector<Dim>> value = context.dims_value(0)) context.set_dims_value(0, *std::move(value));
}

absl::Status InferIdentity(InferContext& context) {
  ForwardDimsValue(context);
  return InferAsInput(context);
}

absl::Status InferCast(InferContext& context) {
  const std::string to = context.node().Get<std::string>("to", "");
  const std::optional<DType> dtype = ParseDType(to);
  if (!dtype) {
    return absl::InvalidArgumentError(absl::StrCat("attribute 'to': expected an element type, got '", to, "'"));
  }
  if (*dtype == DType::kInt32 || *dtype == DType::kInt64) ForwardDimsValue(context);
  context.set_output(0, *dtype, context.shape(0));
  return absl::OkStatus();
}

// x, min, max; either bound may be left out.
absl::Status InferClip(InferContext& context) {
  RETURN_IF_ERROR(ExpectNumber(context, 0));
  RETURN_IF_ERROR(ExpectSameTypes(context));
  for (int i = 1; i < context.num_inputs(); ++i) {
    if (context.has_input(i)) RETURN_IF_ERROR(ExpectScalar(context, i));
  }
  return InferAsInput(context);
}

// x, ratio, training_mode -> x and a mask that is all true: nothing is dropped outside training.
absl::Status InferDropout(InferContext& context) {
  RETURN_IF_ERROR(ExpectFloat(context, 0));
  if (context.has_input(1)) RETURN_IF_ERROR(ExpectScalar(context, 1));
  if (context.has_input(2)) {
    RETURN_IF_ERROR(ExpectScalar(context, 2));
    const Tensor* training = context.constant(2);
    if (training == nullptr) return context.DependsOnData("input 'training_mode' must be constant");
    if (training->dtype() != DType::kBool || training->num_elements() != 1) {
      return absl::InvalidArgumentError("input 'training_mode': expected one bool");
    }
    if (training->values<uint8_t>()[0] != 0) return absl::UnimplementedError("training mode");
  }
  context.set_output(1, DType::kBool, context.shape(0));
  return InferAsInput(context);
}

std::vector<std::string> DTypeNames() {
  std::vector<std::string> names;
  for (int i = 0; i <= static_cast<int>(DType::kFloat64); ++i) names.push_back(NameOf(static_cast<DType>(i)));
  return names;
}

}  // namespace

std::vector<Op> ElementwiseUnaryOps() {
  return {
      {.name = "Abs", .infer = InferNumber},
      {.name = "Cast", .attributes = {Required(StringAttribute("to", DTypeNames()))}, .infer = InferCast},
      {.name = "Clip", .max_inputs = 3, .infer = InferClip},
      {.name = "Dropout",
       .max_inputs = 3,
       .max_outputs = 2,
       .attributes = {IntAttribute("seed")},
       .infer = InferDropout},
      {.name = "Elu", .attributes = {FloatAttribute("alpha")}, .infer = InferFloat},
      {.name = "Exp", .infer = InferFloat},
      {.name = "HardSigmoid", .attributes = {FloatAttribute("alpha"), FloatAttribute("beta")}, .infer = InferFloat},
      {.name = "HardSwish", .infer = InferFloat},
      {.name = "Identity", .infer = InferIdentity},
      {.name = "LeakyRelu", .attributes = {FloatAttribute("alpha")}, .infer = InferFloat},
      {.name = "Log", .infer = InferFloat},
      {.name = "Neg", .infer = InferNumber},
      {.name = "Relu", .infer = InferNumber},
      {.name = "Selu", .attributes = {FloatAttribute("alpha"), FloatAttribute("gamma")}, .infer = InferFloat},
      {.name = "Sigmoid", .infer = InferFloat},
      {.name = "Softplus", .infer = InferFloat},
      {.name = "Sqrt", .infer = InferFloat},
      {.name = "Swish", .infer = InferFloat, .internal = true},
      {.name = "Tanh", .infer = InferFloat},
  };
}

}  // namespace beak
