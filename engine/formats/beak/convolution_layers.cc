#include <functional>
#include <numeric>

#include "engine/base/status.h"
#include "engine/formats/beak/initializers.h"
#include "engine/formats/beak/layers.h"

namespace beak::network_format {
namespace {

int64_t Product(const Ints& values) {
  return std::accumulate(values.begin(), values.end(), int64_t{1}, std::multiplies<>());
}

Shape KernelShape(int64_t out, int64_t in, const Ints& kernel) {
  Shape shape = {out, in};
  shape.insert(shape.end(), kernel.begin(), kernel.end());
  return shape;
}

// Of Convolution, DepthwiseConvolution and SeparableConvolution, whose window fields have the same names.
template <typename Layer>
absl::StatusOr<AttributeMap> WindowAttributes(const Layer& layer, size_t dimensions) {
  ASSIGN_OR_RETURN(AttributeMap attributes, PaddingAttributes(layer.padding(), layer.pads(), dimensions));
  ASSIGN_OR_RETURN(attributes["kernel_shape"], Spread("kernel_size", layer.kernel_size(), dimensions, 1));
  ASSIGN_OR_RETURN(attributes["strides"], Spread("strides", layer.strides(), dimensions, 1));
  ASSIGN_OR_RETURN(attributes["dilations"], Spread("dilation_rate", layer.dilation_rate(), dimensions, 1));
  return attributes;
}

// One filter bank: weights [out, in / groups, window...], and a bias [out] where it has one.
struct Bank {
  const char* what;
  const v1::Parameter& options;
  const v1::Parameter* bias;
  int64_t out, in_per_group, groups;
  Fans fans;
};

absl::StatusOr<ValueId> Convolve(const Bank& bank, AttributeMap attributes, ValueId x, LayerBuilder& builder) {
  const Ints kernel = std::get<Ints>(attributes["kernel_shape"]);
  ASSIGN_OR_RETURN(const ValueId weights, builder.AddParameter({bank.what, ParameterRole::kKernel,
                                                                KernelShape(bank.out, bank.in_per_group, kernel),
                                                                bank.options, GlorotUniform(), bank.fans}));
  std::vector<ValueId> inputs = {x, weights};
  RETURN_IF_ERROR(AddBias(bank.bias, bank.out, bank.fans, builder, inputs));
  attributes["group"] = bank.groups;
  return builder.Emit("Conv", std::move(inputs), std::move(attributes));
}

// Keras counts the kernel (..., in, multiplier) as if it were dense; PyTorch sees `in` groups.
Fans DepthwiseFans(const v1::Initializer& initializer, int64_t channels, int64_t multiplier, int64_t window) {
  const bool pytorch =
      initializer.flavour() == v1::Initializer::PYTORCH || initializer.kind() == v1::Initializer::PYTORCH_DEFAULT;
  if (pytorch) return {window, channels * multiplier * window};
  return {channels * window, multiplier * window};
}

// Of DepthwiseConvolution and SeparableConvolution.
template <typename Layer>
Bank DepthwiseBank(const Layer& layer, const char* what, const v1::Parameter& options, const v1::Parameter* bias,
                   int64_t channels, int64_t window) {
  const int64_t multiplier = layer.has_depth_multiplier() ? layer.depth_multiplier() : 1;
  const Fans fans = DepthwiseFans(options.initializer(), channels, multiplier, window);
  return {what, options, bias, channels * multiplier, 1, channels, fans};
}

}  // namespace

absl::StatusOr<AttributeMap> PaddingAttributes(v1::Padding padding,
                                               const google::protobuf::RepeatedField<int32_t>& pads,
                                               size_t dimensions) {
  if (padding == v1::SAME && !pads.empty()) {
    return absl::InvalidArgumentError("pads: expected none with padding SAME");
  }
  if (padding == v1::SAME) return AttributeMap{{"auto_pad", std::string("SAME_UPPER")}};
  ASSIGN_OR_RETURN(Ints all, SpreadPads("pads", pads, dimensions, 0));
  return AttributeMap{{"pads", std::move(all)}};
}

absl::Status AddBias(const v1::Parameter* options, int64_t size, const Fans& fans, LayerBuilder& builder,
                     std::vector<ValueId>& inputs) {
  if (options == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const ValueId bias,
                   builder.AddParameter({"bias", ParameterRole::kBias, {size}, *options, Constant(0), fans}));
  inputs.push_back(bias);
  return absl::OkStatus();
}

absl::StatusOr<ValueId> BuildConvolution(const v1::Convolution& layer, size_t dimensions, LayerBuilder& builder) {
  RETURN_IF_ERROR(builder.ExpectSpatial(dimensions));
  ASSIGN_OR_RETURN(const int64_t channels, builder.Channels());
  ASSIGN_OR_RETURN(AttributeMap attributes, WindowAttributes(layer, dimensions));
  const int64_t groups = layer.has_groups() ? layer.groups() : 1;
  if (channels % groups != 0 || layer.filters() % groups != 0) {
    return absl::InvalidArgumentError(absl::StrCat("groups: expected a divisor of ", channels, " channels and ",
                                                   layer.filters(), " filters, got ", groups));
  }
  const int64_t window = Product(std::get<Ints>(attributes["kernel_shape"]));
  const Fans fans = {channels / groups * window, layer.filters() * window};
  const Bank bank = {"kernel", layer.kernel(), BiasOf(layer), layer.filters(), channels / groups, groups, fans};
  ASSIGN_OR_RETURN(const ValueId y, Convolve(bank, std::move(attributes), builder.input(), builder));
  return Activate(layer.activation(), std::nullopt, y, builder);
}

absl::StatusOr<ValueId> BuildDepthwise(const v1::DepthwiseConvolution& layer, size_t dimensions,
                                       LayerBuilder& builder) {
  RETURN_IF_ERROR(builder.ExpectSpatial(dimensions));
  ASSIGN_OR_RETURN(const int64_t channels, builder.Channels());
  ASSIGN_OR_RETURN(AttributeMap attributes, WindowAttributes(layer, dimensions));
  const int64_t window = Product(std::get<Ints>(attributes["kernel_shape"]));
  const Bank bank = DepthwiseBank(layer, "kernel", layer.kernel(), BiasOf(layer), channels, window);
  ASSIGN_OR_RETURN(const ValueId y, Convolve(bank, std::move(attributes), builder.input(), builder));
  return Activate(layer.activation(), std::nullopt, y, builder);
}

absl::StatusOr<ValueId> BuildSeparable(const v1::SeparableConvolution& layer, size_t dimensions,
                                       LayerBuilder& builder) {
  RETURN_IF_ERROR(builder.ExpectSpatial(dimensions));
  ASSIGN_OR_RETURN(const int64_t channels, builder.Channels());
  ASSIGN_OR_RETURN(AttributeMap attributes, WindowAttributes(layer, dimensions));
  const int64_t window = Product(std::get<Ints>(attributes["kernel_shape"]));
  const Bank depthwise = DepthwiseBank(layer, "depthwise_kernel", layer.depthwise_kernel(), nullptr, channels, window);
  ASSIGN_OR_RETURN(const ValueId between, Convolve(depthwise, std::move(attributes), builder.input(), builder));
  const Fans fans = {depthwise.out, layer.filters()};
  const Bank pointwise = {
      "pointwise_kernel", layer.pointwise_kernel(), BiasOf(layer), layer.filters(), depthwise.out, 1, fans};
  AttributeMap one_by_one = {{"kernel_shape", Ints(dimensions, 1)}};
  ASSIGN_OR_RETURN(const ValueId y, Convolve(pointwise, std::move(one_by_one), between, builder));
  return Activate(layer.activation(), std::nullopt, y, builder);
}

}  // namespace beak::network_format
