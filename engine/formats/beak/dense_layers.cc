#include <utility>

#include "engine/base/status.h"
#include "engine/formats/beak/initializers.h"
#include "engine/formats/beak/layers.h"

namespace beak::network_format {
namespace {

constexpr double kEmbeddingLimit = 0.05;  // Keras' default for embeddings

}  // namespace

absl::StatusOr<ValueId> Build(const v1::Dense& layer, LayerBuilder& builder) {
  if (builder.shape().size() != 2) return builder.WrongInput("[features] (as a flatten layer makes it)");
  ASSIGN_OR_RETURN(const int64_t features, builder.Channels());
  const WeightGeometry geometry = {WeightRole::kDense, features, layer.units()};
  ASSIGN_OR_RETURN(
      const ValueId kernel,
      builder.AddParameter(
          {"kernel", ParameterRole::kKernel, {layer.units(), features}, layer.kernel(), GlorotUniform(), geometry}));
  std::vector<ValueId> inputs = {builder.input(), kernel};
  RETURN_IF_ERROR(AddBias(BiasOf(layer), layer.units(), geometry, builder, inputs));
  const ValueId y = builder.Emit("Gemm", std::move(inputs), {{"transB", int64_t{1}}});
  return Activate(layer.activation(), std::nullopt, y, builder);
}

absl::StatusOr<ValueId> Build(const v1::Embedding& layer, LayerBuilder& builder) {
  if (builder.shape().size() != 2) return builder.WrongInput("[length] of indices");
  ASSIGN_OR_RETURN(const ValueId table,
                   builder.AddParameter({"embeddings",
                                         ParameterRole::kEmbedding,
                                         {layer.input_dim(), layer.output_dim()},
                                         layer.embeddings(),
                                         UniformInit{-kEmbeddingLimit, kEmbeddingLimit},
                                         {WeightRole::kEmbedding, layer.input_dim(), layer.output_dim()}}));
  const ValueId vectors = builder.Emit("Gather", {table, builder.input()}, {{"axis", int64_t{0}}});
  return builder.Emit("Transpose", {vectors}, {{"perm", Ints{0, 2, 1}}});
}

absl::StatusOr<ValueId> Build(const v1::PositionBias& layer, LayerBuilder& builder) {
  ASSIGN_OR_RETURN(Shape shape, builder.SampleShape());
  ASSIGN_OR_RETURN(const ValueId bias, builder.AddParameter({"bias", ParameterRole::kBias, std::move(shape),
                                                             layer.bias(), ConstantInit{0}}));
  return builder.Emit("Add", {builder.input(), bias});
}

}  // namespace beak::network_format
