#include "engine/initializers/fans.h"

namespace beak {

Fans FansOf(Flavour flavour, const WeightGeometry& geometry) {
  const bool keras = flavour == Flavour::kKeras;
  const auto in = static_cast<double>(geometry.in);
  const auto out = static_cast<double>(geometry.out);
  const auto groups = static_cast<double>(geometry.groups);
  const auto field = static_cast<double>(geometry.receptive_field);
  switch (geometry.role) {
    case WeightRole::kDense:
      return {in, out};
    case WeightRole::kConvolution:
      return {in / groups * field, out * field};
    case WeightRole::kDepthwise:
      return keras ? Fans{in * field, out / in * field} : Fans{field, out * field};
    case WeightRole::kTransposedConvolution:
      return {(keras ? out : out / groups) * field, in * field};
    case WeightRole::kEmbedding:
      break;
  }
  return keras ? Fans{in, out} : Fans{out, in};
}

}  // namespace beak
