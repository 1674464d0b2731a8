#include "engine/train/training_step.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/parallel.h"
#include "engine/base/status.h"
#include "engine/runtime/compile.h"

namespace beak {
namespace {

absl::Status CopyIn(std::span<const std::byte> from, std::span<std::byte> to, const std::string& name) {
  if (from.size() != to.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "': expected ", to.size(), " bytes a batch, got ", from.size()));
  }
  if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TrainingStep>> TrainingStep::Create(const Graph& network, int64_t rows,
                                                                   const Options& options, const Backend& backend) {
  std::unique_ptr<TrainingStep> step(new TrainingStep(network, options, backend));
  ASSIGN_OR_RETURN(const Compiled* compiled, step->ForRows(rows));
  step->parameters_ = compiled->training.parameters;
  step->statistics_ = compiled->training.statistics;
  return step;
}

absl::StatusOr<TrainingStep::Compiled*> TrainingStep::ForRows(int64_t rows) {
  std::unique_ptr<Compiled>& compiled = compiled_[rows];
  if (!compiled) {
    absl::StatusOr<std::unique_ptr<Compiled>> made = Compile(rows);
    if (!made.ok()) {
      compiled_.erase(rows);
      return made.status();
    }
    compiled = *std::move(made);
  }
  return compiled.get();
}

absl::StatusOr<std::unique_ptr<TrainingStep::Compiled>> TrainingStep::Compile(int64_t rows) const {
  std::vector<Shape> shapes = options_.row_shapes;
  for (Shape& shape : shapes) shape.insert(shape.begin(), rows);
  auto compiled = std::make_unique<Compiled>();
  ASSIGN_OR_RETURN(compiled->training, MakeTrainingGraph(network_, shapes, options_.training));
  Graph& graph = compiled->training.graph;
  CompileOptions options;
  options.threads = options_.threads;
  for (const ValueId input : graph.inputs()) options.input_shapes.push_back(ToShape(*graph.value(input).type.shape));
  compiled->constants = std::make_unique<ConstantStore>(graph);
  ASSIGN_OR_RETURN(compiled->program, beak::Compile(graph, options, backend_, *compiled->constants));
  compiled->workspace = compiled->program->CreateWorkspace();
  return compiled;
}

absl::Status TrainingStep::Run(const TrainingBatch& batch, int64_t seed, std::span<const Tensor> values) {
  ASSIGN_OR_RETURN(last_, ForRows(batch.rows));
  const TrainingGraph& training = last_->training;
  BEAK_CHECK(batch.inputs.size() == training.network_inputs && batch.targets.size() == training.losses);
  BEAK_CHECK(values.size() == training.parameters.size());
  Workspace& workspace = *last_->workspace;
  const auto copy = [&](size_t input, std::span<const std::byte> bytes) {
    return CopyIn(bytes, workspace.input(static_cast<int>(input)), last_->program->inputs()[input].name);
  };
  for (size_t i = 0; i < batch.inputs.size(); ++i) RETURN_IF_ERROR(copy(i, batch.inputs[i]));
  for (size_t i = 0; i < batch.targets.size(); ++i) RETURN_IF_ERROR(copy(training.target_input(i), batch.targets[i]));
  RETURN_IF_ERROR(copy(training.seed_input(), std::as_bytes(std::span(&seed, 1))));
  for (size_t i = 0; i < values.size(); ++i) {
    RETURN_IF_ERROR(copy(training.parameter_input(i), {values[i].bytes(), values[i].byte_size()}));
  }
  SetOpenMpThreads(options_.threads);
  return last_->program->Run(workspace);
}

std::span<float> TrainingStep::output(size_t i) const {
  const std::span<const std::byte> bytes = last_->workspace->output(static_cast<int>(i));
  // The workspace is ours: what a run has left there may be changed before the next one.
  auto* const values = reinterpret_cast<float*>(const_cast<std::byte*>(bytes.data()));
  return {values, bytes.size() / sizeof(float)};
}

float TrainingStep::loss() const { return output(TrainingGraph::loss_output())[0]; }
std::span<const float> TrainingStep::prediction(size_t loss) const {
  return output(last_->training.prediction_output(loss));
}
std::span<float> TrainingStep::gradient(size_t parameter) const {
  return output(last_->training.gradient_output(parameter));
}
std::span<const float> TrainingStep::mean(size_t statistic) const {
  return output(last_->training.mean_output(statistic));
}
std::span<const float> TrainingStep::variance(size_t statistic) const {
  return output(last_->training.variance_output(statistic));
}
int64_t TrainingStep::statistics_count(size_t statistic) const { return last_->training.statistics[statistic].count; }

size_t TrainingStep::workspace_bytes() const { return compiled_.rbegin()->second->program->workspace_bytes(); }

}  // namespace beak
