#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"

namespace beak {

// Reverse-mode differentiation on the graph (Griewank and Walther 2008, chapter 3): adds nodes to `graph` that compute
// the gradient of `loss` by each of `values`, and gives the values that hold them, in order; kNoValue where the loss
// does not depend on one. A gradient has the shape and type of its value.
//
// UNIMPLEMENTED, naming the node, where one on the way has no gradient. REQUIRES: a verified graph whose shapes are
// all static (InferShapes with require_static); a float loss of one element. New values have no types yet.
absl::StatusOr<std::vector<ValueId>> Differentiate(Graph& graph, ValueId loss, const std::vector<ValueId>& values);

}  // namespace beak
