#include "engine/base/status.h"
#include "engine/formats/beak/initializers.h"
#include "engine/formats/beak/layers.h"

namespace beak::network_format {
namespace {

constexpr double kLeakyAlpha = 0.3;  // Keras' LeakyReLU
constexpr float kHardAlpha = 1.0f / 6, kHardBeta = 0.5f;

AttributeMap Alpha(double alpha) { return {{"alpha", static_cast<float>(alpha)}}; }
AttributeMap OverChannels() { return {{"axis", int64_t{1}}}; }

ValueId Relu6(ValueId x, LayerBuilder& builder) {
  const ValueId low = builder.AddConstant("min", Tensor::Scalar<float>(0));
  const ValueId high = builder.AddConstant("max", Tensor::Scalar<float>(6));
  return builder.Emit("Clip", {x, low, high});
}

}  // namespace

ValueId Activate(v1::Activation::Kind kind, std::optional<double> alpha, ValueId x, LayerBuilder& builder) {
  switch (kind) {
    case v1::Activation::RELU:
      return builder.Emit("Relu", {x});
    case v1::Activation::RELU6:
      return Relu6(x, builder);
    case v1::Activation::LEAKY_RELU:
      return builder.Emit("LeakyRelu", {x}, Alpha(alpha.value_or(kLeakyAlpha)));
    case v1::Activation::ELU:
      return builder.Emit("Elu", {x}, Alpha(alpha.value_or(1)));
    case v1::Activation::SELU:
      return builder.Emit("Selu", {x});
    case v1::Activation::SIGMOID:
      return builder.Emit("Sigmoid", {x});
    case v1::Activation::TANH:
      return builder.Emit("Tanh", {x});
    case v1::Activation::SOFTPLUS:
      return builder.Emit("Softplus", {x});
    case v1::Activation::SOFTMAX:
      return builder.Emit("Softmax", {x}, OverChannels());
    case v1::Activation::LOG_SOFTMAX:
      return builder.Emit("LogSoftmax", {x}, OverChannels());
    case v1::Activation::HARD_SIGMOID:
      return builder.Emit("HardSigmoid", {x}, {{"alpha", kHardAlpha}, {"beta", kHardBeta}});
    case v1::Activation::HARD_SWISH:
      return builder.Emit("HardSwish", {x});
    case v1::Activation::SWISH:
      return builder.Emit("Mul", {x, builder.Emit("Sigmoid", {x})});
    default:
      return x;
  }
}

absl::StatusOr<ValueId> Build(const v1::Activation& layer, LayerBuilder& builder) {
  const bool takes_alpha = layer.kind() == v1::Activation::LEAKY_RELU || layer.kind() == v1::Activation::ELU;
  if (layer.has_alpha() && !takes_alpha) {
    return absl::InvalidArgumentError(
        absl::StrCat("alpha: expected none for ", v1::Activation::Kind_Name(layer.kind())));
  }
  const std::optional<double> alpha = layer.has_alpha() ? std::optional<double>(layer.alpha()) : std::nullopt;
  const ValueId y = Activate(layer.kind(), alpha, builder.input(), builder);
  return y == builder.input() ? builder.Emit("Identity", {y}) : y;
}

absl::StatusOr<ValueId> Build(const v1::PRelu& layer, LayerBuilder& builder) {
  PartialShape sample(builder.shape().begin() + 1, builder.shape().end());
  for (const int32_t axis : layer.shared_axes()) {
    if (static_cast<size_t>(axis) > sample.size()) {
      return absl::InvalidArgumentError(absl::StrCat("shared_axes: expected 1 to ", sample.size(), ", got ", axis));
    }
    sample[axis - 1] = 1;
  }
  if (!IsStatic(sample)) return builder.WrongInput("known dimensions but for those that are shared");
  ASSIGN_OR_RETURN(const ValueId slope, builder.AddParameter({"alpha", ParameterRole::kSlope, ToShape(sample),
                                                              layer.alpha(), ConstantInit{0}}));
  return builder.Emit("PRelu", {builder.input(), slope});
}

absl::StatusOr<ValueId> Build(const v1::Maxout& layer, LayerBuilder& builder) {
  ASSIGN_OR_RETURN(const int64_t channels, builder.Channels());
  if (channels % layer.pieces() != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("pieces: expected a divisor of ", channels, " channels, got ", layer.pieces()));
  }
  const int64_t pieces = layer.pieces();
  const std::vector<ValueId> parts =
      builder.EmitMany("Split", {builder.input()}, pieces, {{"axis", int64_t{1}}, {"num_outputs", pieces}});
  return builder.Emit("Max", parts);
}

// In inference nothing is dropped; training needs the rate, and whether it drops whole channels.
absl::StatusOr<ValueId> BuildDropout(const v1::Dropout& layer, bool spatial, LayerBuilder& builder) {
  if (spatial && builder.shape().size() < 3) {
    return builder.WrongInput("channels and at least one dimension of positions");
  }
  const ValueId ratio = builder.AddConstant("ratio", Tensor::Scalar<float>(layer.rate()));
  builder.AddDropout(spatial);
  return builder.Emit("Dropout", {builder.input(), ratio});
}

}  // namespace beak::network_format
