#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/tensor/tensor.h"

namespace beak {

// What Resize does to each dimension of its input, resolved: one entry a dimension, those not resized included. A value
// type.
struct ResolvedResize {
  Shape output;
  // Output coordinates are divided by these; exactly as given, or output / input where sizes were given.
  std::vector<float> scales;
  // Only for tf_crop_and_resize: the part of the input that is resized, 0 and 1 being its ends; else all 0 and 1.
  std::vector<float> roi_begin;
  std::vector<float> roi_end;
};

// Pure functions of the node and its constant inputs, null where they are left out (or empty, as old files have them).
// INVALID_ARGUMENT where they do not fit the input.
absl::StatusOr<ResolvedResize> ResolveResize(const Node& node, const Shape& input, const Tensor* roi,
                                             const Tensor* scales, const Tensor* sizes);
// The output's shape where the input's is known in part.
absl::StatusOr<PartialShape> ResizeOutput(const Node& node, const PartialShape& input, const Tensor* roi,
                                          const Tensor* scales, const Tensor* sizes);

}  // namespace beak
