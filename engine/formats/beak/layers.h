#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "engine/formats/beak/layer_builder.h"

namespace beak::network_format {

// Builds the nodes of a layer, by its kind, and returns the value that is its result. REQUIRES: fields that CheckFields
// accepts, and the number of inputs that the kind takes. INVALID_ARGUMENT names the field that does not fit the input.
absl::StatusOr<ValueId> BuildLayer(const v1::Layer& layer, LayerBuilder& builder);

// The kinds, one file a family.
// convolution_layers.cc
absl::StatusOr<ValueId> BuildConvolution(const v1::Convolution& layer, size_t dimensions, LayerBuilder& builder);
absl::StatusOr<ValueId> BuildDepthwise(const v1::DepthwiseConvolution& layer, size_t dimensions, LayerBuilder& builder);
absl::StatusOr<ValueId> BuildSeparable(const v1::SeparableConvolution& layer, size_t dimensions, LayerBuilder& builder);
// transposed_layers.cc
absl::StatusOr<ValueId> BuildTransposed(const v1::TransposedConvolution& layer, size_t dimensions,
                                        LayerBuilder& builder);
// dense_layers.cc
absl::StatusOr<ValueId> Build(const v1::Dense& layer, LayerBuilder& builder);
absl::StatusOr<ValueId> Build(const v1::Embedding& layer, LayerBuilder& builder);
absl::StatusOr<ValueId> Build(const v1::PositionBias& layer, LayerBuilder& builder);
// pooling_layers.cc
absl::StatusOr<ValueId> BuildPooling(const v1::Pooling& layer, const char* op, size_t dimensions,
                                     LayerBuilder& builder);
absl::StatusOr<ValueId> BuildGlobalPooling(const v1::GlobalPooling& layer, const char* op, LayerBuilder& builder);
// normalization_layers.cc
absl::StatusOr<ValueId> Build(const v1::BatchNormalization& layer, LayerBuilder& builder);
absl::StatusOr<ValueId> Build(const v1::LayerNormalization& layer, LayerBuilder& builder);
// activation_layers.cc
absl::StatusOr<ValueId> Build(const v1::Activation& layer, LayerBuilder& builder);
absl::StatusOr<ValueId> Build(const v1::PRelu& layer, LayerBuilder& builder);
absl::StatusOr<ValueId> Build(const v1::Maxout& layer, LayerBuilder& builder);
absl::StatusOr<ValueId> BuildDropout(const v1::Dropout& layer, bool spatial, LayerBuilder& builder);
// shape_layers.cc
absl::StatusOr<ValueId> Build(const v1::Flatten& layer, LayerBuilder& builder);
absl::StatusOr<ValueId> Build(const v1::Reshape& layer, LayerBuilder& builder);
absl::StatusOr<ValueId> Build(const v1::DepthToSpace& layer, LayerBuilder& builder);
absl::StatusOr<ValueId> Build(const v1::ZeroPadding& layer, LayerBuilder& builder);
absl::StatusOr<ValueId> Build(const v1::UpSampling& layer, LayerBuilder& builder);
// merge_layers.cc
absl::StatusOr<ValueId> BuildMerge(const char* op, LayerBuilder& builder);
absl::StatusOr<ValueId> Build(const v1::Concatenate& layer, LayerBuilder& builder);

// What families share: x after an activation (activation_layers.cc) ...
ValueId Activate(v1::Activation::Kind kind, std::optional<double> alpha, ValueId x, LayerBuilder& builder);
// ... and the attributes and weights of windows (convolution_layers.cc); a kernel's shape is [first, second,
// kernel...].
Shape KernelShape(int64_t first, int64_t second, const Ints& kernel);
absl::StatusOr<AttributeMap> PaddingAttributes(v1::Padding padding,
                                               const google::protobuf::RepeatedField<int32_t>& pads, size_t dimensions);
// What is said of the bias, null where `use_bias` says that there is none.
template <typename Layer>
const v1::Parameter* BiasOf(const Layer& layer) {
  return !layer.has_use_bias() || layer.use_bias() ? &layer.bias() : nullptr;
}
// Adds it to a node's inputs where there is one.
absl::Status AddBias(const v1::Parameter* options, int64_t size, const WeightGeometry& geometry, LayerBuilder& builder,
                     std::vector<ValueId>& inputs);

}  // namespace beak::network_format
