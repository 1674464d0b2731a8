#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"

namespace beak {

// Gives a network's head, the last convolution or dense layer before its only output, `units` outputs and new weights:
// Glorot's uniform, biases 0. Constants behind it that have an entry for each of its outputs (biases, normalisations,
// targets of Reshape) follow. Returns the names of the parameters that are new. Values follow from `seed` and names.
//
// INVALID_ARGUMENT, naming the node, where there is no such layer, its weights are not constant, or something behind it
// is neither an activation, a pool, a normalisation, arithmetic with a constant nor another shape; or where shapes do
// not agree with the new number. REQUIRES: inferred shapes.
absl::StatusOr<std::set<std::string>> ReplaceHead(int64_t units, uint64_t seed, Graph& graph);

}  // namespace beak
