#pragma once

#include <set>
#include <string>

#include "absl/status/status.h"
#include "engine/graph/graph.h"

// What it takes to train a network that came from a model file. Pure but for the graph that is changed.
namespace beak {

// Makes it one that can be trained:
// - A first dimension that is 1 at all inputs and outputs becomes free, for batches, and targets of Reshape that begin
//   with that 1 follow.
// - Float16 becomes float32, at inputs and outputs too. Inputs of int32 become int64.
// - What can be computed of constants alone is computed, so that weights are constants where they are used.
// INVALID_ARGUMENT for an input that cannot be fed with batches of float32 or int64 values; errors name their place.
absl::Status MakeTrainable(Graph& graph);

// Where an output is a Softmax or Sigmoid whose result is only given another shape, does that first: the activation is
// then the last node, and what is before it are the logits that a loss is computed from. The same values come out.
// REQUIRES: inferred shapes.
absl::Status PutActivationsLast(Graph& graph);

// The constants that inputs are multiplied with or that are added to them before anything else happens: a network's own
// normalisation of its input, which training must leave alone.
std::set<std::string> FindInputConstants(const Graph& graph);

}  // namespace beak
