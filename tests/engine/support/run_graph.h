#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/runtime/kernel.h"
#include "engine/tensor/tensor.h"

namespace beak::testing {

struct RunGraphOptions {
  int threads = 1;
  bool publish = true;               // run the publish passes first
  std::byte fill = std::byte{0xFF};  // of the workspace: the bytes of NaN
};

// Parses a graph's text form; aborts the test program where it is not one.
Graph Parse(const std::string& text);

// Compiles a graph for the shapes of `inputs` with `backend`, runs it once and gives its outputs.
absl::StatusOr<std::vector<Tensor>> RunGraph(Graph graph, const std::vector<Tensor>& inputs, const Backend& backend,
                                             const RunGraphOptions& options = {});

// Of each step of the graph, compiled as it is for one thread and inputs of these shapes; aborts the test program where
// that cannot be done.
std::vector<std::string> KernelNames(Graph graph, const std::vector<Shape>& shapes, const Backend& backend);

// Standard-normal-like float32 numbers, the same for the same seed on every machine.
Tensor RandomTensor(const Shape& shape, int seed);

// Every constant of the graph that has a `fill` text form stays; those of float32 get random numbers scaled by the
// fan-in (the product of all dimensions but the first), so that activations keep their size through any number of
// layers.
void RandomizeConstants(Graph& graph, int seed);

// The largest |a - b| / (atol + rtol * |b|): at most 1 where all elements agree. Infinity where shapes differ or one
// is NaN and the other is not.
double Disagreement(const Tensor& actual, const Tensor& expected, double rtol, double atol);

// True where both have the same shape and the same bits.
bool SameBits(const Tensor& a, const Tensor& b);

}  // namespace beak::testing
