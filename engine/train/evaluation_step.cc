#include "engine/train/evaluation_step.h"

#include <utility>

#include "engine/base/check.h"
#include "engine/base/status.h"
#include "engine/passes/passes.h"

namespace beak {

absl::StatusOr<std::unique_ptr<EvaluationStep>> EvaluationStep::Create(const Graph& network, const Options& options,
                                                                       const Backend& backend) {
  std::unique_ptr<EvaluationStep> step(new EvaluationStep(network, options, backend));
  RETURN_IF_ERROR(step->ForRows(options.rows).status());
  return step;
}

absl::StatusOr<BatchProgram*> EvaluationStep::ForRows(int64_t rows) {
  if (const auto found = compiled_.find(rows); found != compiled_.end()) return &found->second;
  ASSIGN_OR_RETURN(Graph graph, MakeEvaluationGraph(network_, WithRows(options_.row_shapes, rows), options_.losses));
  RETURN_IF_ERROR(RunPublishPasses(graph, backend_.evaluate));
  ASSIGN_OR_RETURN(BatchProgram program, BatchProgram::Create(std::move(graph), options_.threads, backend_));
  return &compiled_.emplace(rows, std::move(program)).first->second;
}

absl::Status EvaluationStep::Run(const TrainingBatch& batch) {
  BEAK_CHECK(batch.inputs.size() == options_.row_shapes.size() && batch.targets.size() == options_.losses.size());
  ASSIGN_OR_RETURN(BatchProgram * program, ForRows(batch.rows));
  last_ = program;
  RETURN_IF_ERROR(program->SetBatch(batch));
  return program->Run();
}

}  // namespace beak
