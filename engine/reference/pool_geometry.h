#pragma once

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/reference/window_taps.h"

namespace beak {

// What a pool and its gradient run through. A value type.
struct PoolGeometry {
  Window3 window;
  int64_t channels;  // of all images: every channel is pooled alike

  // Of a node with the attributes of MaxPool or AveragePool and input x [N, C, d...].
  static absl::StatusOr<PoolGeometry> From(const Node& node, const Shape& x);
};

}  // namespace beak
