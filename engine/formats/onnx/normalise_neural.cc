#include "engine/formats/onnx/normalise.h"

namespace beak::onnx_format {
namespace {

absl::Status ExpectInference(const std::optional<int64_t>& is_test) {
  if (is_test.value_or(0) != 0) return absl::OkStatus();
  return absl::UnimplementedError("training mode");
}

absl::Status NormaliseBatchNormalization(Translation& t) {
  if (t.opset() < 7) {
    ASSIGN_OR_RETURN(const std::optional<int64_t> is_test, t.Take<int64_t>("is_test"));
    RETURN_IF_ERROR(ExpectInference(is_test));
  }
  if (t.opset() < 9) {
    ASSIGN_OR_RETURN(const std::optional<int64_t> spatial, t.Take<int64_t>("spatial"));
    if (spatial.value_or(1) == 0) return absl::UnimplementedError("attribute 'spatial': statistics per activation");
  }
  if (t.opset() >= 14) {
    ASSIGN_OR_RETURN(const std::optional<int64_t> training_mode, t.Take<int64_t>("training_mode"));
    if (training_mode.value_or(0) != 0) return absl::UnimplementedError("attribute 'training_mode': training mode");
  }
  // Asking for the running statistics was how older versions said that they train.
  for (size_t i = 1; i < t.node.outputs.size(); ++i) {
    if (t.HasOutput(i)) return absl::UnimplementedError("outputs of running statistics: training mode");
  }
  // gcc 14 takes resize() to make them more, and warns of it.
  while (t.node.outputs.size() > 1) t.node.outputs.pop_back();
  return absl::OkStatus();
}

// MaxPool and LayerNormalization.
absl::Status NormaliseOutputs(Translation& t) {
  t.LeaveOutUnreadOutputs();
  return absl::OkStatus();
}

absl::Status NormaliseDropout(Translation& t) {
  t.LeaveOutUnreadOutputs();
  if (t.opset() >= 12) return absl::OkStatus();
  RETURN_IF_ERROR(t.ExpectInputs(1));
  if (t.opset() < 7) {
    ASSIGN_OR_RETURN(const std::optional<int64_t> is_test, t.Take<int64_t>("is_test"));
    RETURN_IF_ERROR(ExpectInference(is_test));
  }
  if (t.opset() < 10 && t.HasOutput(1)) return absl::UnimplementedError("mask as a float tensor, before opset 10");
  ASSIGN_OR_RETURN(const std::optional<float> ratio, t.Take<float>("ratio"));
  if (ratio) t.SetInput(1, t.AddConstant("ratio", Tensor::Scalar<float>(*ratio)));
  return absl::OkStatus();
}

// Up to opset 12 a softmax ran over all dimensions from `axis` on, flattened; today it runs along one.
absl::Status NormaliseSoftmax(Translation& t) {
  if (t.opset() >= 13 || !t.HasInput(0)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::optional<int64_t> given, t.Take<int64_t>("axis"));
  const int64_t axis = given.value_or(1);
  t.node.attributes["axis"] = int64_t{-1};
  if (axis == -1) return absl::OkStatus();
  const ValueId x = t.node.inputs[0];
  const ValueId shape = t.EmitBefore("Shape", {x});
  const ValueId flat = t.EmitBefore("Flatten", {x}, {{"axis", axis}});
  const ValueId y = t.EmitBefore(t.node.op, {flat}, std::move(t.node.attributes));
  t.node.op = "Reshape";
  t.node.inputs = {y, shape};
  t.node.attributes.clear();
  return absl::OkStatus();
}

constexpr OperatorRow kRows[] = {
    {"AveragePool", 1},
    {"BatchNormalization", 1, NormaliseBatchNormalization},
    {"Conv", 1},
    {"ConvTranspose", 1},
    {"Dropout", 1, NormaliseDropout},
    {"Elu", 1},
    {"GlobalAveragePool", 1},
    {"GlobalMaxPool", 1},
    {"HardSigmoid", 1},
    {"HardSwish", 14},
    {"InstanceNormalization", 1},
    {"LRN", 1},
    {"LayerNormalization", 17, NormaliseOutputs},
    {"LeakyRelu", 1},
    {"LogSoftmax", 1, NormaliseSoftmax},
    {"MaxPool", 1, NormaliseOutputs},
    {"PRelu", 7},  // before, a slope per channel did not broadcast as today
    {"Relu", 1},
    {"Selu", 6},  // before, other defaults
    {"Sigmoid", 1},
    {"Softmax", 1, NormaliseSoftmax},
    {"Softplus", 1},
    {"Tanh", 1},
};

}  // namespace

std::span<const OperatorRow> NeuralRows() { return kRows; }

}  // namespace beak::onnx_format
