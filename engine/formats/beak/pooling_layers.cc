#include <utility>

#include "engine/base/status.h"
#include "engine/formats/beak/layers.h"

namespace beak::network_format {
namespace {

constexpr int64_t kDefaultPool = 2;  // Keras'

}  // namespace

absl::StatusOr<ValueId> BuildPooling(const v1::Pooling& layer, const char* op, size_t dimensions,
                                     LayerBuilder& builder) {
  RETURN_IF_ERROR(builder.ExpectSpatial(dimensions));
  ASSIGN_OR_RETURN(AttributeMap attributes, PaddingAttributes(layer.padding(), layer.pads(), dimensions));
  ASSIGN_OR_RETURN(const Ints pool, Spread("pool_size", layer.pool_size(), dimensions, kDefaultPool));
  attributes["kernel_shape"] = pool;
  attributes["strides"] = pool;
  if (!layer.strides().empty()) {
    ASSIGN_OR_RETURN(attributes["strides"], Spread("strides", layer.strides(), dimensions, 1));
  }
  return builder.Emit(op, {builder.input()}, std::move(attributes));
}

absl::StatusOr<ValueId> BuildGlobalPooling(const v1::GlobalPooling& layer, const char* op, LayerBuilder& builder) {
  if (builder.shape().size() < 3) return builder.WrongInput("channels and at least one dimension of positions");
  const ValueId pooled = builder.Emit(op, {builder.input()});
  return layer.keepdims() ? pooled : builder.Emit("Flatten", {pooled});
}

}  // namespace beak::network_format
