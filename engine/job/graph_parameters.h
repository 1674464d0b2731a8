#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/initializers/fans.h"
#include "engine/initializers/initializer.h"

// What the constants of a network are to it, told by the nodes that read them.
namespace beak {

// The weights that an input of a node is: kernels of convolutions and dense layers, and embeddings. nullopt where it is
// something else, or no constant. REQUIRES: a verified graph.
std::optional<WeightGeometry> WeightsOf(const Graph& graph, const Node& node, size_t input);

// The parameters that are kernels of convolutions and dense layers, in the order in which nodes use them.
std::vector<std::string> FindKernels(const Graph& graph);

// Gives a constant new values of the same shape, which follow from `seed` and its name. REQUIRES: a float32 constant.
absl::Status InitializeConstant(const Initializer& initializer, const Fans& fans, uint64_t seed, ValueId constant,
                                Graph& graph);

// Gives all parameters but those in `kept` their first values: kernels He's normal, embeddings uniform within 0.05,
// slopes 0.25, scales 1, all else 0; and running statistics of batch normalisations, where the scale is not kept, mean
// 0 and variance 1.
absl::Status Reinitialize(uint64_t seed, const std::set<std::string>& kept, Graph& graph);

// True where the name is the pattern, in which each "*" stands for any characters, or none. Pure.
bool FitsPattern(const std::string& pattern, const std::string& name);

}  // namespace beak
