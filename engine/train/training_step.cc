#include "engine/train/training_step.h"

#include <utility>

#include "engine/base/check.h"
#include "engine/base/status.h"

namespace beak {

absl::StatusOr<std::unique_ptr<TrainingStep>> TrainingStep::Create(const Graph& network, int64_t rows,
                                                                   const Options& options, const Backend& backend) {
  std::unique_ptr<TrainingStep> step(new TrainingStep(network, options, backend));
  RETURN_IF_ERROR(step->ForRows(rows).status());
  return step;
}

absl::StatusOr<TrainingStep::Compiled*> TrainingStep::ForRows(int64_t rows) {
  if (const auto found = compiled_.find(rows); found != compiled_.end()) return &found->second;
  ASSIGN_OR_RETURN(TrainingGraph training,
                   MakeTrainingGraph(network_, WithRows(options_.row_shapes, rows), options_.training));
  ASSIGN_OR_RETURN(BatchProgram program,
                   BatchProgram::Create(std::exchange(training.graph, Graph()), options_.threads, backend_));
  return &compiled_.emplace(rows, Compiled{std::move(training), std::move(program)}).first->second;
}

absl::Status TrainingStep::Run(const TrainingBatch& batch, int64_t seed, std::span<const Tensor> values,
                               const RunOptions& options) {
  ASSIGN_OR_RETURN(last_, ForRows(batch.rows));
  auto& [training, program] = *last_;
  BEAK_CHECK(batch.inputs.size() == training.network_inputs && batch.targets.size() == training.losses);
  BEAK_CHECK(values.size() == training.parameters.size());
  RETURN_IF_ERROR(program.SetBatch(batch));
  RETURN_IF_ERROR(program.SetInput(training.seed_input(), std::as_bytes(std::span(&seed, 1))));
  for (size_t i = 0; i < values.size(); ++i) {
    RETURN_IF_ERROR(program.SetInput(training.parameter_input(i), {values[i].bytes(), values[i].byte_size()}));
  }
  return program.Run(options);
}

}  // namespace beak
