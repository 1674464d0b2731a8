#include <utility>

#include "engine/base/status.h"
#include "engine/formats/beak/initializers.h"
#include "engine/formats/beak/layers.h"

namespace beak::network_format {
namespace {

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
  WeightGeometry geometry;
};

absl::StatusOr<ValueId> Convolve(const Bank& bank, AttributeMap attributes, ValueId x, LayerBuilder& builder) {
  const Ints kernel = std::get<Ints>(attributes["kernel_shape"]);
  const auto& [role, in, out, groups, field] = bank.geometry;
  // A depthwise bank has a group for each channel.
  const int64_t parts = role == WeightRole::kDepthwise ? in : groups;
  ASSIGN_OR_RETURN(const ValueId weights,
                   builder.AddParameter({bank.what, ParameterRole::kKernel, KernelShape(out, in / parts, kernel),
                                         bank.options, GlorotUniform(), bank.geometry}));
  std::vector<ValueId> inputs = {x, weights};
  RETURN_IF_ERROR(AddBias(bank.bias, out, bank.geometry, builder, inputs));
  attributes["group"] = parts;
  return builder.Emit("Conv", std::move(inputs), std::move(attributes));
}

// Of DepthwiseConvolution and SeparableConvolution.
template <typename Layer>
Bank DepthwiseBank(const Layer& layer, const char* what, const v1::Parameter& options, const v1::Parameter* bias,
                   int64_t channels, int64_t window) {
  const int64_t multiplier = layer.has_depth_multiplier() ? layer.depth_multiplier() : 1;
  return {what, options, bias, {WeightRole::kDepthwise, channels, channels * multiplier, 1, window}};
}

}  // namespace

Shape KernelShape(int64_t first, int64_t second, const Ints& kernel) {
  Shape shape = {first, second};
  shape.insert(shape.end(), kernel.begin(), kernel.end());
  return shape;
}

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

absl::Status AddBias(const v1::Parameter* options, int64_t size, const WeightGeometry& geometry, LayerBuilder& builder,
                     std::vector<ValueId>& inputs) {
  if (options == nullptr) return absl::OkStatus();
  ASSIGN_OR_RETURN(const ValueId bias,
                   builder.AddParameter({"bias", ParameterRole::kBias, {size}, *options, ConstantInit{0}, geometry}));
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
  const int64_t window = NumElements(std::get<Ints>(attributes["kernel_shape"]));
  const Bank bank = {
      "kernel", layer.kernel(), BiasOf(layer), {WeightRole::kConvolution, channels, layer.filters(), groups, window}};
  ASSIGN_OR_RETURN(const ValueId y, Convolve(bank, std::move(attributes), builder.input(), builder));
  return Activate(layer.activation(), std::nullopt, y, builder);
}

absl::StatusOr<ValueId> BuildDepthwise(const v1::DepthwiseConvolution& layer, size_t dimensions,
                                       LayerBuilder& builder) {
  RETURN_IF_ERROR(builder.ExpectSpatial(dimensions));
  ASSIGN_OR_RETURN(const int64_t channels, builder.Channels());
  ASSIGN_OR_RETURN(AttributeMap attributes, WindowAttributes(layer, dimensions));
  const int64_t window = NumElements(std::get<Ints>(attributes["kernel_shape"]));
  const Bank bank = DepthwiseBank(layer, "kernel", layer.kernel(), BiasOf(layer), channels, window);
  ASSIGN_OR_RETURN(const ValueId y, Convolve(bank, std::move(attributes), builder.input(), builder));
  return Activate(layer.activation(), std::nullopt, y, builder);
}

absl::StatusOr<ValueId> BuildSeparable(const v1::SeparableConvolution& layer, size_t dimensions,
                                       LayerBuilder& builder) {
  RETURN_IF_ERROR(builder.ExpectSpatial(dimensions));
  ASSIGN_OR_RETURN(const int64_t channels, builder.Channels());
  ASSIGN_OR_RETURN(AttributeMap attributes, WindowAttributes(layer, dimensions));
  const int64_t window = NumElements(std::get<Ints>(attributes["kernel_shape"]));
  const Bank depthwise = DepthwiseBank(layer, "depthwise_kernel", layer.depthwise_kernel(), nullptr, channels, window);
  ASSIGN_OR_RETURN(const ValueId between, Convolve(depthwise, std::move(attributes), builder.input(), builder));
  const Bank pointwise = {"pointwise_kernel",
                          layer.pointwise_kernel(),
                          BiasOf(layer),
                          {WeightRole::kConvolution, depthwise.geometry.out, layer.filters(), 1, 1}};
  AttributeMap one_by_one = {{"kernel_shape", Ints(dimensions, 1)}};
  ASSIGN_OR_RETURN(const ValueId y, Convolve(pointwise, std::move(one_by_one), between, builder));
  return Activate(layer.activation(), std::nullopt, y, builder);
}

}  // namespace beak::network_format
