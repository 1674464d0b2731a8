#include <algorithm>
#include <utility>

#include "engine/base/status.h"
#include "engine/ops/dims.h"
#include "engine/ops/rule.h"

// What only training needs: operators that gradient rules emit, and forward ones that have no ONNX name. All are
// internal.

namespace beak {
namespace {

std::vector<AttributeSpec> WindowAttributes(const char* shape) {
  return {StringAttribute("auto_pad", {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"}),
          IntAttribute("ceil_mode"),
          IntAttribute("count_include_pad"),
          IntsAttribute("dilations"),
          IntAttribute("group"),
          IntsAttribute("kernel_shape"),
          IntsAttribute("pads"),
          IntAttribute("storage_order"),
          IntsAttribute("strides"),
          IntsAttribute(shape)};
}

absl::StatusOr<PartialShape> ShapeFrom(const InferContext& context, const char* attribute) {
  const std::vector<int64_t> sizes = context.node().Get<std::vector<int64_t>>(attribute, {});
  if (std::any_of(sizes.begin(), sizes.end(), [](int64_t size) { return size < 0; })) {
    return absl::InvalidArgumentError(absl::StrCat("attribute '", attribute, "': expected sizes of 0 and more"));
  }
  return PartialShape(sizes.begin(), sizes.end());
}

// The gradient of an input whose shape an attribute has.
absl::Status InferInputShape(InferContext& context) {
  ASSIGN_OR_RETURN(PartialShape shape, ShapeFrom(context, "input_shape"));
  context.set_output(0, context.dtype(0), std::move(shape));
  return absl::OkStatus();
}

// x, dy -> the gradients of weights and bias.
absl::Status InferWeightGradient(InferContext& context) {
  ASSIGN_OR_RETURN(PartialShape shape, ShapeFrom(context, "weight_shape"));
  if (shape.empty()) return absl::InvalidArgumentError("attribute 'weight_shape': expected that of weights, got none");
  const Dim channels = shape[0];
  context.set_output(0, context.dtype(0), std::move(shape));
  context.set_output(1, context.dtype(0), {channels});
  return absl::OkStatus();
}

// dy, y, x... -> one for each x
absl::Status InferExtremumGradient(InferContext& context) {
  RETURN_IF_ERROR(ExpectSameTypes(context));
  for (int i = 0; i + 2 < context.num_inputs(); ++i) context.set_output(i, context.dtype(0), context.shape(0));
  return absl::OkStatus();
}

// x, scale, bias, residual -> y, mean, variance
absl::Status InferBatchNormalizationTraining(InferContext& context) {
  RETURN_IF_ERROR(ExpectSameTypes(context));
  RETURN_IF_ERROR(ExpectRankAtLeast(context, 0, 2));
  const Dim channels = context.shape(0)[1];
  for (const int i : {1, 2}) {
    RETURN_IF_ERROR(ExpectVector(context, i, channels));
    context.set_output(i, context.dtype(0), {channels});
  }
  if (context.has_input(3)) RETURN_IF_ERROR(ExpectResidual(context, 3, context.shape(0)));
  return InferAsInput(context);
}

// x, dy, scale, mean, variance, bias -> the gradients of x, scale, bias
absl::Status InferBatchNormalizationGradient(InferContext& context) {
  RETURN_IF_ERROR(ExpectSameTypes(context));
  RETURN_IF_ERROR(ExpectRankAtLeast(context, 0, 2));
  if (context.has_input(5)) RETURN_IF_ERROR(ExpectVector(context, 5, context.shape(0)[1]));
  for (const int i : {1, 2}) context.set_output(i, context.dtype(0), {context.shape(0)[1]});
  return InferAsInput(context);
}

// x, seed
absl::Status InferDropoutTraining(InferContext& context) {
  RETURN_IF_ERROR(ExpectFloat(context, 0));
  RETURN_IF_ERROR(ExpectIndices(context, 1));
  RETURN_IF_ERROR(ExpectScalar(context, 1));
  const float ratio = context.node().Get("ratio", 0.5f);
  if (!(ratio >= 0 && ratio <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat("attribute 'ratio': expected 0 to 1, got ", ratio));
  }
  return InferAsInput(context);
}

// logits [N, C, d...] and labels [N, d...], whose first operand stands at `first`
absl::Status ExpectLabels(const InferContext& context, int first) {
  RETURN_IF_ERROR(ExpectFloat(context, first));
  RETURN_IF_ERROR(ExpectRankAtLeast(context, first, 2));
  RETURN_IF_ERROR(ExpectIndices(context, first + 1));
  PartialShape expected = context.shape(first);
  expected.erase(expected.begin() + 1);
  const PartialShape& labels = context.shape(first + 1);
  if (!std::equal(labels.begin(), labels.end(), expected.begin(), expected.end(), MayBeEqual)) {
    return absl::InvalidArgumentError(
        absl::StrCat("labels: expected shape ", ToString(expected), ", got ", ToString(labels)));
  }
  if (context.has_input(first + 2)) RETURN_IF_ERROR(ExpectVector(context, first + 2, context.shape(first)[1]));
  return absl::OkStatus();
}

// logits, labels, class weights -> loss
absl::Status InferSoftmaxCrossEntropy(InferContext& context) {
  RETURN_IF_ERROR(ExpectLabels(context, 0));
  context.set_output(0, context.dtype(0), {});
  return absl::OkStatus();
}

// dloss, logits, labels, class weights -> the gradient of the logits
absl::Status InferSoftmaxCrossEntropyGradient(InferContext& context) {
  RETURN_IF_ERROR(ExpectScalar(context, 0));
  RETURN_IF_ERROR(ExpectLabels(context, 1));
  context.set_output(0, context.dtype(1), context.shape(1));
  return absl::OkStatus();
}

std::vector<AttributeSpec> CrossEntropyAttributes() {
  return {FloatAttribute("label_smoothing"), IntAttribute("ignore_index"),
          StringAttribute("divisor", {"weights", "batch"})};
}

// A batch normalisation takes in the addition and the activation behind it, and its gradient that of the activation:
// ActivationGradient's attributes.
std::vector<AttributeSpec> NormAttributes() {
  return {FloatAttribute("epsilon"), StringAttribute("activation", {"Relu", "Clip"}),
          FloatAttribute("activation_alpha"), FloatAttribute("activation_beta")};
}

std::vector<AttributeSpec> ResizeGradientAttributes() {
  return Concatenate(ResizeAttributes(), {IntsAttribute("input_shape")});
}

}  // namespace

std::vector<Op> TrainingOps() {
  return {
      {.name = "ActivationGradient",
       .min_inputs = 2,
       .max_inputs = 2,
       .attributes = {Required(StringAttribute("activation")), FloatAttribute("activation_alpha"),
                      FloatAttribute("activation_beta")},
       .infer = InferAsInput,
       .internal = true},
      {.name = "AveragePoolGradient",
       .attributes = WindowAttributes("input_shape"),
       .infer = InferInputShape,
       .internal = true},
      {.name = "BatchNormalizationGradient",
       .min_inputs = 5,
       .max_inputs = 6,
       .max_outputs = 3,
       .attributes = NormAttributes(),
       .infer = InferBatchNormalizationGradient,
       .internal = true},
      {.name = "BatchNormalizationTraining",
       .min_inputs = 3,
       .max_inputs = 4,
       .max_outputs = 3,
       .attributes = NormAttributes(),
       .infer = InferBatchNormalizationTraining,
       .internal = true},
      {.name = "ConvInputGradient",
       .min_inputs = 2,
       .max_inputs = 2,
       .attributes = WindowAttributes("input_shape"),
       .infer = InferInputShape,
       .internal = true},
      {.name = "ConvWeightGradient",
       .min_inputs = 2,
       .max_inputs = 2,
       .max_outputs = 2,
       .attributes = WindowAttributes("weight_shape"),
       .infer = InferWeightGradient,
       .internal = true},
      {.name = "DropoutTraining",
       .min_inputs = 2,
       .max_inputs = 2,
       .attributes = {FloatAttribute("ratio"), IntAttribute("salt"), IntAttribute("spatial")},
       .infer = InferDropoutTraining,
       .internal = true},
      {.name = "ExtremumGradient",
       .min_inputs = 3,
       .max_inputs = Op::kVariadic,
       .max_outputs = Op::kVariadic,
       .infer = InferExtremumGradient,
       .internal = true},
      {.name = "GatherGradient",
       .min_inputs = 2,
       .max_inputs = 2,
       .attributes = {IntAttribute("axis"), IntsAttribute("input_shape")},
       .infer = InferInputShape,
       .internal = true},
      {.name = "MaxPoolGradient",
       .min_inputs = 3,
       .max_inputs = 3,
       .attributes = Concatenate(WindowAttributes("input_shape"), {StringAttribute("activation", {"Relu"})}),
       .infer = InferAsInput,
       .internal = true},
      {.name = "ResizeGradient",
       .max_inputs = 4,
       .attributes = ResizeGradientAttributes(),
       .infer = InferInputShape,
       .internal = true},
      {.name = "SoftmaxCrossEntropy",
       .min_inputs = 2,
       .max_inputs = 3,
       .attributes = CrossEntropyAttributes(),
       .infer = InferSoftmaxCrossEntropy,
       .internal = true},
      {.name = "SoftmaxCrossEntropyGradient",
       .min_inputs = 3,
       .max_inputs = 4,
       .attributes = CrossEntropyAttributes(),
       .infer = InferSoftmaxCrossEntropyGradient,
       .internal = true},
  };
}

}  // namespace beak
