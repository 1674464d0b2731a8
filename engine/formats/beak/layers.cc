#include "engine/formats/beak/layers.h"

namespace beak::network_format {

absl::StatusOr<ValueId> BuildLayer(const v1::Layer& layer, LayerBuilder& builder) {
  switch (layer.kind_case()) {
    case v1::Layer::kConv1D:
      return BuildConvolution(layer.conv1d(), 1, builder);
    case v1::Layer::kConv2D:
      return BuildConvolution(layer.conv2d(), 2, builder);
    case v1::Layer::kDepthwiseConv1D:
      return BuildDepthwise(layer.depthwise_conv1d(), 1, builder);
    case v1::Layer::kDepthwiseConv2D:
      return BuildDepthwise(layer.depthwise_conv2d(), 2, builder);
    case v1::Layer::kSeparableConv1D:
      return BuildSeparable(layer.separable_conv1d(), 1, builder);
    case v1::Layer::kSeparableConv2D:
      return BuildSeparable(layer.separable_conv2d(), 2, builder);
    case v1::Layer::kConv1DTranspose:
      return BuildTransposed(layer.conv1d_transpose(), 1, builder);
    case v1::Layer::kConv2DTranspose:
      return BuildTransposed(layer.conv2d_transpose(), 2, builder);
    case v1::Layer::kDense:
      return Build(layer.dense(), builder);
    case v1::Layer::kEmbedding:
      return Build(layer.embedding(), builder);
    case v1::Layer::kPositionBias:
      return Build(layer.position_bias(), builder);
    case v1::Layer::kMaxPooling1D:
      return BuildPooling(layer.max_pooling1d(), "MaxPool", 1, builder);
    case v1::Layer::kMaxPooling2D:
      return BuildPooling(layer.max_pooling2d(), "MaxPool", 2, builder);
    case v1::Layer::kAveragePooling1D:
      return BuildPooling(layer.average_pooling1d(), "AveragePool", 1, builder);
    case v1::Layer::kAveragePooling2D:
      return BuildPooling(layer.average_pooling2d(), "AveragePool", 2, builder);
    case v1::Layer::kGlobalMaxPooling:
      return BuildGlobalPooling(layer.global_max_pooling(), "GlobalMaxPool", builder);
    case v1::Layer::kGlobalAveragePooling:
      return BuildGlobalPooling(layer.global_average_pooling(), "GlobalAveragePool", builder);
    case v1::Layer::kBatchNormalization:
      return Build(layer.batch_normalization(), builder);
    case v1::Layer::kLayerNormalization:
      return Build(layer.layer_normalization(), builder);
    case v1::Layer::kActivation:
      return Build(layer.activation(), builder);
    case v1::Layer::kPrelu:
      return Build(layer.prelu(), builder);
    case v1::Layer::kMaxout:
      return Build(layer.maxout(), builder);
    case v1::Layer::kDropout:
      return BuildDropout(layer.dropout(), false, builder);
    case v1::Layer::kSpatialDropout:
      return BuildDropout(layer.spatial_dropout(), true, builder);
    case v1::Layer::kFlatten:
      return Build(layer.flatten(), builder);
    case v1::Layer::kReshape:
      return Build(layer.reshape(), builder);
    case v1::Layer::kDepthToSpace:
      return Build(layer.depth_to_space(), builder);
    case v1::Layer::kZeroPadding:
      return Build(layer.zero_padding(), builder);
    case v1::Layer::kUpSampling:
      return Build(layer.up_sampling(), builder);
    case v1::Layer::kAdd:
      return BuildMerge("Add", builder);
    case v1::Layer::kMultiply:
      return BuildMerge("Mul", builder);
    case v1::Layer::kMaximum:
      return BuildMerge("Max", builder);
    case v1::Layer::kConcatenate:
      return Build(layer.concatenate(), builder);
    case v1::Layer::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("expected a kind of layer, got none");
}

}  // namespace beak::network_format
