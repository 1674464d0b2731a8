#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/data/schema.h"
#include "engine/graph/graph.h"
#include "engine/job/bind_fields.h"
#include "engine/train/training_graph.h"

// Whether the fields of the data fit the inputs and outputs of a network that they are bound to. Each adds a line for
// everything that does not. Pure.
namespace beak {

// The shape of one sample of each input, without the batch dimension: that of its field, where both agree but for
// dimensions of 1. What is wrong has no meaning in the result.
std::vector<Shape> FitInputs(const FieldBinding& binding, const data::Schema& schema, const Graph& network,
                             std::vector<std::string>& lines);

// The losses in the terms of engine/train, and the shapes of the outputs that they look at, for batches of `rows`.
struct FittedLosses {
  std::vector<Loss> losses;
  std::vector<Shape> outputs;  // the batch first
};

// Checks them against shape inference and against the types, shapes and classes of their targets. REQUIRES: row shapes
// of FitInputs, in which nothing was wrong.
FittedLosses FitLosses(const FieldBinding& binding, const data::Schema& schema, const Graph& network,
                       const std::vector<Shape>& row_shapes, int64_t rows, std::vector<std::string>& lines);

}  // namespace beak
