#pragma once

#include <cstdint>

#include "engine/initializers/flavour.h"

namespace beak {

enum class WeightRole { kDense, kConvolution, kDepthwise, kTransposedConvolution, kEmbedding };

// What a weight connects, whatever the order of its dimensions. A value type.
struct WeightGeometry {
  WeightRole role = WeightRole::kDense;
  int64_t in = 1;               // channels or features that come in; an embedding: words
  int64_t out = 1;              // that go out, of all groups; an embedding: numbers per word
  int64_t groups = 1;           // of a convolution; a depthwise one has none to tell
  int64_t receptive_field = 1;  // kernel positions: height * width
};

// How many inputs each output of a weight sums, and how many outputs each input goes to, as the framework counts them.
struct Fans {
  double in = 1;
  double out = 1;
};

// Both frameworks derive them from a kernel's shape by position, which differs for the kinds whose kernels they store
// differently: Keras counts a depthwise kernel (h, w, in, multiplier) as in -> multiplier and a transposed one
// (h, w, out, in) as out -> in; PyTorch a depthwise one (in * multiplier, 1, h, w) as 1 -> in * multiplier, a
// transposed one (in, out / groups, h, w) as out / groups -> in. Both take a grouped convolution as
// in / groups -> out. Source: keras/src/initializers/random_initializers.py compute_fans, torch/nn/init.py
// _calculate_fan_in_and_fan_out.
Fans FansOf(Flavour flavour, const WeightGeometry& geometry);

}  // namespace beak
