#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/engine.h"
#include "engine/graph/graph.h"

// What beak-model's commands share: loading networks and running them on tensors.
namespace beak::tools {

// Inputs that decide shapes inside the network (the shape of a Reshape, the axes of a Squeeze ...), directly or through
// arithmetic. A program is compiled for fixed shapes, so these cannot be inputs of it.
std::vector<std::string> ShapeInputs(const Graph& graph);

// The graph with those of `values` that name an input in ShapeInputs made constants. Types and shapes are checked by
// whoever compiles it.
Graph FixShapeInputs(const Graph& graph, const std::map<std::string, Tensor>& values);

// Runs a program once. `inputs` stand in its order; INVALID_ARGUMENT names the one whose type or shape is not the
// program's.
absl::StatusOr<std::vector<Tensor>> RunOnce(const Program& program, const std::vector<Tensor>& inputs);

// Loads `graph` with its shape inputs fixed, compiles it for the shapes of `values`, and runs it. INVALID_ARGUMENT for
// an input that is missing, unknown, or of another type or shape. Outputs in the graph's order.
absl::StatusOr<std::vector<Tensor>> Predict(const Graph& graph, const std::map<std::string, Tensor>& values,
                                            int threads);

// What the user says of dimensions that the file leaves free.
struct ShapeChoice {
  std::optional<int64_t> batch;         // for free first dimensions; 1 where not given
  std::map<std::string, Shape> shapes;  // by input
};

// "x=1x3x480x640" -> {"x", {1, 3, 480, 640}}
absl::Status ParseShape(const std::string& text, std::map<std::string, Shape>& shapes);

// A shape for every input. INVALID_ARGUMENT names the input whose dimensions stay free, or that has other ones.
absl::StatusOr<std::vector<Shape>> ChooseShapes(const std::vector<TensorSpec>& inputs, const ShapeChoice& choice);

}  // namespace beak::tools
