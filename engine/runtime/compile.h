#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/runtime/constant_store.h"
#include "engine/runtime/kernel.h"
#include "engine/runtime/program.h"

namespace beak {

struct CompileOptions {
  std::vector<Shape> input_shapes;  // one per graph input
  int threads = 1;
};

// Compiles a published graph for given input shapes and a number of threads: infers shapes, folds what they decide,
// chooses a kernel per node (the first of the backend's list that accepts), carries each kernel's layout on to the next
// and puts reorders only where layouts differ, packs constants through `store`, and plans one arena for everything.
// INVALID_ARGUMENT for shapes that do not fit, UNIMPLEMENTED where no kernel accepts a node (with each one's reason),
// RESOURCE_EXHAUSTED above limits::kMaxWorkspaceBytes. *Thread-safe* (graph and backend are only read).
absl::StatusOr<std::shared_ptr<const Program>> Compile(const Graph& graph, const CompileOptions& options,
                                                       const Backend& backend, ConstantStore& store);

}  // namespace beak
