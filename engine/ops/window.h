#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/tensor/shape.h"

namespace beak {

// The window that a convolution or pooling slides over the spatial dimensions (all behind batch and channels) of its
// input, with every attribute resolved: what shape rules, reference and oneDNN kernels compute with. One entry a
// spatial dimension, outermost first. A value type.
struct Window {
  std::vector<int64_t> kernel;     // >= 1
  std::vector<int64_t> strides;    // >= 1
  std::vector<int64_t> dilations;  // >= 1; 1 is a dense window
  std::vector<int64_t> pads_begin;
  std::vector<int64_t> pads_end;
  Shape output;  // spatial sizes of the output, >= 1

  size_t rank() const { return kernel.size(); }
  // What the window spans in dimension i.
  int64_t extent(size_t i) const { return (kernel[i] - 1) * dilations[i] + 1; }
};

// These are pure functions of a node's attributes and the *full* shapes of its inputs (batch and channels included).
// INVALID_ARGUMENT for attributes that are out of range or do not fit the shapes.

// Of Conv and FusedConv; weights [M, C/group, kernel...]. Pads are >= 0 and
// output = (input + pads_begin + pads_end - extent) / stride + 1, rounded down.
absl::StatusOr<Window> ConvWindow(const Node& node, const Shape& input, const Shape& weights);

// Of ConvTranspose; weights [C, M/group, kernel...]. output_padding and output_shape are worked into the pads, so that
// output = (input - 1) * stride + extent - pads_begin - pads_end: pads_begin >= 0, but a negative pads_end says how
// many elements lie beyond the last window (they get the bias alone).
absl::StatusOr<Window> ConvTransposeWindow(const Node& node, const Shape& input, const Shape& weights);

// Of MaxPool and AveragePool. Pads are those of the attributes: with ceil_mode the last window may reach beyond
// input + pads_end, and never begins there.
absl::StatusOr<Window> PoolWindow(const Node& node, const Shape& input);

// The spatial sizes alone, as far as they follow from what is known.
absl::StatusOr<std::vector<Dim>> ConvOutput(const Node& node, const PartialShape& input, const PartialShape& weights);
absl::StatusOr<std::vector<Dim>> ConvTransposeOutput(const Node& node, const PartialShape& input,
                                                     const PartialShape& weights);
absl::StatusOr<std::vector<Dim>> PoolOutput(const Node& node, const PartialShape& input);

}  // namespace beak
