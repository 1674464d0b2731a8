#include <algorithm>
#include <utility>

#include "engine/base/status.h"
#include "engine/formats/beak/layers.h"

namespace beak::network_format {
namespace {

constexpr int64_t kDefaultFactor = 2;  // Keras' UpSampling2D

Tensor Int64s(const Ints& values) { return Tensor::Of<int64_t>({static_cast<int64_t>(values.size())}, values); }

// The dimensions of positions, behind batch and channels; at least one.
absl::StatusOr<size_t> SpatialRank(const LayerBuilder& builder) {
  if (builder.shape().size() > 2) return builder.shape().size() - 2;
  return builder.WrongInput("channels and at least one dimension of positions");
}

}  // namespace

absl::StatusOr<ValueId> Build(const v1::Flatten&, LayerBuilder& builder) {
  RETURN_IF_ERROR(builder.SampleShape().status());
  return builder.Emit("Flatten", {builder.input()});
}

absl::StatusOr<ValueId> Build(const v1::Reshape& layer, LayerBuilder& builder) {
  ASSIGN_OR_RETURN(const Shape sample, builder.SampleShape());
  const auto& wanted = layer.target_shape();
  if (std::count(wanted.begin(), wanted.end(), -1) > 1) {
    return absl::InvalidArgumentError("target_shape: expected -1 once at most");
  }
  Ints target = {0};  // the batch stays
  target.insert(target.end(), wanted.begin(), wanted.end());
  // 0 would mean "as it was" behind the batch too.
  if (std::count(wanted.begin(), wanted.end(), 0) > 0) {
    return absl::InvalidArgumentError("target_shape: expected numbers above 0, or -1, got 0");
  }
  return builder.Emit("Reshape", {builder.input(), builder.AddConstant("shape", Int64s(target))});
}

absl::StatusOr<ValueId> Build(const v1::DepthToSpace& layer, LayerBuilder& builder) {
  RETURN_IF_ERROR(builder.ExpectSpatial(2));
  ASSIGN_OR_RETURN(const int64_t channels, builder.Channels());
  const int64_t block = layer.block_size();
  if (channels % (block * block) != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("block_size: expected one whose square divides ", channels, " channels, got ", block));
  }
  const std::string mode = layer.mode() == v1::DepthToSpace::DCR ? "DCR" : "CRD";
  return builder.Emit("DepthToSpace", {builder.input()}, {{"blocksize", block}, {"mode", mode}});
}

absl::StatusOr<ValueId> Build(const v1::ZeroPadding& layer, LayerBuilder& builder) {
  ASSIGN_OR_RETURN(const size_t dimensions, SpatialRank(builder));
  ASSIGN_OR_RETURN(const Ints padding, SpreadPads("padding", layer.padding(), dimensions, 1));
  Ints pads(2 * builder.shape().size(), 0);
  for (size_t i = 0; i < dimensions; ++i) {
    pads[2 + i] = padding[i];
    pads[2 + i + builder.shape().size()] = padding[dimensions + i];
  }
  return builder.Emit("Pad", {builder.input(), builder.AddConstant("pads", Int64s(pads))});
}

absl::StatusOr<ValueId> Build(const v1::UpSampling& layer, LayerBuilder& builder) {
  ASSIGN_OR_RETURN(const size_t dimensions, SpatialRank(builder));
  ASSIGN_OR_RETURN(const Ints factors, Spread("size", layer.size(), dimensions, kDefaultFactor));
  std::vector<float> scales = {1, 1};
  scales.insert(scales.end(), factors.begin(), factors.end());
  const ValueId constant =
      builder.AddConstant("scales", Tensor::Of<float>({static_cast<int64_t>(scales.size())}, scales));
  AttributeMap attributes = {{"mode", std::string("linear")},
                             {"coordinate_transformation_mode", std::string("half_pixel")}};
  if (layer.interpolation() == v1::UpSampling::NEAREST) {
    attributes = {{"mode", std::string("nearest")},
                  {"coordinate_transformation_mode", std::string("asymmetric")},
                  {"nearest_mode", std::string("floor")}};
  }
  return builder.Emit("Resize", {builder.input(), kNoValue, constant}, std::move(attributes));
}

}  // namespace beak::network_format
