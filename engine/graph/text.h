#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"

namespace beak {

// The text form of a graph: one line a statement, so that a pass is tested as a program before and a program after.
//
//   graph lecture
//   input x float32 [batch, 1, 28, 28]
//   const w float32 [25, 1, 3, 3] = {0.5, -1, ...}
//   y = Conv(x, w) {strides = [1, 1], auto_pad = "VALID"}
//   a, b = Split(y) {axis = 1}
//   z = Clip(a, , b)
//   output z
//
// "#" begins a comment. Dimensions are numbers, symbols or "?". A constant's `= {...}` may be `= fill 0.5` (every
// element), and is left out by Print above 16 elements unless `all_elements`; a constant without it has no bytes.
// Attributes: ints, floats (with "." or "e", or inf, nan), "strings", lists of those (`floats []` and `strings []`
// where they are empty), and tensors as `float32 [2] {1, 2}`. A name that is not made of letters, digits and "_./:-"
// alone is written in double quotes, with C's escapes. Left out are the names of nodes (a parsed node is named for its
// first output) and the types of values that nodes compute (shape inference finds them again).

// INVALID_ARGUMENT with the line number for what it cannot read. The result is parsed, not verified.
absl::StatusOr<Graph> ParseGraph(std::string_view text);

std::string PrintGraph(const Graph& graph, bool all_elements = false);

}  // namespace beak
