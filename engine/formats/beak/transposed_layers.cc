#include <algorithm>
#include <utility>

#include "engine/base/status.h"
#include "engine/formats/beak/initializers.h"
#include "engine/formats/beak/layers.h"

namespace beak::network_format {
namespace {

// Keras' output sizes for any stride, in ONNX's words, where what remains of kernel - stride is cut off (SAME) or stays
// (VALID), and what is missing to the stride is added.
AttributeMap Window(v1::Padding padding, const Ints& kernel, const Ints& strides) {
  const size_t dimensions = kernel.size();
  Ints pads(2 * dimensions, 0);
  Ints more(dimensions, 0);
  for (size_t i = 0; i < dimensions; ++i) {
    const int64_t surplus = kernel[i] - strides[i];
    more[i] = std::max<int64_t>(-surplus, 0);
    if (padding != v1::SAME || surplus <= 0) continue;
    pads[i] = surplus / 2;
    pads[i + dimensions] = surplus - surplus / 2;
  }
  return {
      {"kernel_shape", kernel}, {"strides", strides}, {"pads", std::move(pads)}, {"output_padding", std::move(more)}};
}

}  // namespace

absl::StatusOr<ValueId> BuildTransposed(const v1::TransposedConvolution& layer, size_t dimensions,
                                        LayerBuilder& builder) {
  RETURN_IF_ERROR(builder.ExpectSpatial(dimensions));
  ASSIGN_OR_RETURN(const int64_t channels, builder.Channels());
  ASSIGN_OR_RETURN(const Ints kernel, Spread("kernel_size", layer.kernel_size(), dimensions, 1));
  ASSIGN_OR_RETURN(const Ints strides, Spread("strides", layer.strides(), dimensions, 1));
  const WeightGeometry geometry = {WeightRole::kTransposedConvolution, channels, layer.filters(), 1,
                                   NumElements(kernel)};
  ASSIGN_OR_RETURN(
      const ValueId weights,
      builder.AddParameter({"kernel", ParameterRole::kKernel, KernelShape(channels, layer.filters(), kernel),
                            layer.kernel(), GlorotUniform(), geometry, /*unit_axis=*/1}));
  std::vector<ValueId> inputs = {builder.input(), weights};
  RETURN_IF_ERROR(AddBias(BiasOf(layer), layer.filters(), geometry, builder, inputs));
  const ValueId y = builder.Emit("ConvTranspose", std::move(inputs), Window(layer.padding(), kernel, strides));
  return Activate(layer.activation(), std::nullopt, y, builder);
}

}  // namespace beak::network_format
