#pragma once

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/reference/window_taps.h"

namespace beak {

// What a convolution and its gradients run through. A value type.
struct ConvGeometry {
  Window3 window;
  int64_t batch;
  int64_t groups;
  int64_t group_inputs;   // channels of the input in one group
  int64_t group_outputs;  // channels of the output in one group

  // Of a node with Conv's attributes, input x [N, C, d...] and weights w [M, C/group, k...]. INVALID_ARGUMENT where
  // they do not fit together.
  static absl::StatusOr<ConvGeometry> From(const Node& node, const Shape& x, const Shape& w);

  int64_t inputs() const { return groups * group_inputs; }
  int64_t outputs() const { return groups * group_outputs; }
};

}  // namespace beak
