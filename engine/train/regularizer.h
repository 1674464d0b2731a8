#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/tensor/shape.h"

namespace beak {

// What a weight adds to the loss: l1 * sum |w| + l2 * sum w^2, once and not divided by the batch, as Keras'
// kernel_regularizer does. PyTorch's weight decay is 2 * l2, in the gradient only. A value type.
struct WeightPenalty {
  double l1 = 0;
  double l2 = 0;
};

// Every field that is wrong, named.
std::vector<std::string> Validate(const WeightPenalty& penalty);

// The penalty of a weight; sums in double, in order.
double PenaltyOf(const WeightPenalty& penalty, std::span<const float> weight);

// Adds its gradient, l1 * sign(w) + 2 * l2 * w, with sign(0) = 0. REQUIRES: as many gradients as weights.
void AddPenaltyGradient(const WeightPenalty& penalty, std::span<const float> weight, std::span<float> gradient);

// Scales the weights of each output unit whose Euclidean norm is above max_norm down to that norm, after an update
// (Kim, "Convolutional neural networks for sentence classification", 2014). A unit's weights are those with one index
// along `unit_axis`: 0 for a convolution (out, in, height, width), 1 for a matrix (in, out). Norms in double. REQUIRES:
// an axis of `shape`, as many weights as it has elements, max_norm > 0.
void LimitUnitNorms(double max_norm, const Shape& shape, int unit_axis, std::span<float> weight);

}  // namespace beak
