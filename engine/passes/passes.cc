#include "engine/passes/passes.h"

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/graph/verify.h"
#include "engine/ops/op.h"

namespace beak {
namespace {

absl::Status InferPublished(Graph& graph, const Evaluator&) { return InferShapes(graph); }
absl::Status InferStatic(Graph& graph, const Evaluator&) { return InferShapes(graph, /*require_static=*/true); }

absl::Status RunPasses(Graph& graph, const std::vector<Pass>& passes, const Evaluator& evaluate) {
  for (const Pass& pass : passes) {
    RETURN_IF_ERROR(pass.run(graph, evaluate));
    absl::Status verified = VerifyStructure(graph);
    if (verified.ok()) verified = VerifyOperators(graph);
    if (!verified.ok()) {
      return absl::InternalError(absl::StrCat("pass ", pass.name, " broke the graph: ", verified.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

const std::vector<Pass>& PublishPasses() {
  static const std::vector<Pass> passes = {
      {"InferShapes", InferPublished},  // symbolic: the passes below ask for types, ranks and channel counts
      {"WidenFloat16", WidenFloat16},   // kernels compute in float32
      {"InferShapes", InferPublished},
      {"FoldConstants", FoldConstants},        // what exporters left as arithmetic on weights and shapes
      {"RemoveIdentities", RemoveIdentities},  // so that neighbours are neighbours
      {"Canonicalize", Canonicalize},          // so that the fusions below need few patterns
      {"RemoveDeadCode", RemoveDeadCode},
      {"InferShapes", InferPublished},
      {"FoldBatchNormalization",
       FoldBatchNormalization},  // before fusion: an activation follows the norm, not the convolution
      {"RemoveDeadCode", RemoveDeadCode},
      {"FuseConvolutions", FuseConvolutions},
      {"FuseGemms", FuseGemms},
      {"RemoveDeadCode", RemoveDeadCode},
      {"InferShapes", InferPublished},
  };
  return passes;
}

absl::Status RunPublishPasses(Graph& graph, const Evaluator& evaluate) {
  return RunPasses(graph, PublishPasses(), evaluate);
}

absl::Status RunShapePasses(Graph& graph, const Evaluator& evaluate) {
  static const std::vector<Pass> passes = {
      {"InferShapes", InferStatic},  // or fails: no shape is open from here on
      {"FoldConstants", FoldConstants},
      {"FuseConvolutions", FuseConvolutions},  // residuals whose shapes were not known to be equal before
      {"FuseGradients", FuseGradients},        // of training, whose shapes are all static
      {"RemoveDeadCode", RemoveDeadCode},
  };
  for (const Pass& pass : passes) RETURN_IF_ERROR(pass.run(graph, evaluate));
  return absl::OkStatus();
}

}  // namespace beak
