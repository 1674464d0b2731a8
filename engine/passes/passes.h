#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"

namespace beak {

// Computes one node on plain tensors; the backend's (runtime/kernel.h, Backend::evaluate) is handed in.
using Evaluator = std::function<absl::StatusOr<std::vector<Tensor>>(
    const Node& node, const std::vector<const Tensor*>& inputs, const std::vector<TensorType>& outputs)>;

// A pass rewrites a graph into an equivalent one: the same inputs and outputs, by name and type, and the same values up
// to float rounding. It may leave unused nodes and values behind; RemoveDeadCode clears them away.
struct Pass {
  const char* name;
  absl::Status (*run)(Graph& graph, const Evaluator& evaluate);
};

// What a graph goes through between its importer and being published: passes that need no input shapes, in order.
const std::vector<Pass>& PublishPasses();

// Runs PublishPasses, verifying structure and operators after each; an error names the pass.
absl::Status RunPublishPasses(Graph& graph, const Evaluator& evaluate);

// What a published graph goes through when its input shapes are known: shapes are inferred, and what they decide
// (Shape, Reshape's target ...) is folded.
absl::Status RunShapePasses(Graph& graph, const Evaluator& evaluate);

// The passes, one file each.

// Float16 values become float32; Casts stand at graph inputs and outputs that are float16 in the file.
absl::Status WidenFloat16(Graph& graph, const Evaluator& evaluate);
// Values of nodes whose inputs are all constant, and Shape of a static shape, become constants.
absl::Status FoldConstants(Graph& graph, const Evaluator& evaluate);
// Identity, Dropout and Casts to the same type disappear.
absl::Status RemoveIdentities(Graph& graph, const Evaluator& evaluate);
// One way to say a thing: MatMul + Add of a vector becomes Gemm, a mean over all positions GlobalAveragePool,
// x * Sigmoid(x) Swish.
absl::Status Canonicalize(Graph& graph, const Evaluator& evaluate);
// BatchNormalization, and multiplication or addition of per-channel constants, go into the weights of the convolution
// or Gemm before them.
absl::Status FoldBatchNormalization(Graph& graph, const Evaluator& evaluate);
// Conv becomes FusedConv with the addition of a residual and the activation that follow it.
absl::Status FuseConvolutions(Graph& graph, const Evaluator& evaluate);
// Gemm becomes FusedGemm with the Relu or Clip that follows it.
absl::Status FuseGemms(Graph& graph, const Evaluator& evaluate);
// In a training graph: BatchNormalizationTraining takes in the addition and the activation behind it, its gradient that
// of the activation, and a max pool's gradient that of the ReLU before the pool. Wants static shapes.
absl::Status FuseGradients(Graph& graph, const Evaluator& evaluate);
// Nodes whose outputs nobody reads and values that nothing refers to go.
absl::Status RemoveDeadCode(Graph& graph, const Evaluator& evaluate);

}  // namespace beak
