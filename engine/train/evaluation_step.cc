#include "engine/train/evaluation_step.h"

#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/parallel.h"
#include "engine/base/status.h"
#include "engine/passes/passes.h"
#include "engine/runtime/compile.h"

namespace beak {

absl::StatusOr<std::unique_ptr<EvaluationStep>> EvaluationStep::Create(const Graph& network, const Options& options,
                                                                       const Backend& backend) {
  std::unique_ptr<EvaluationStep> step(new EvaluationStep(network, options, backend));
  ASSIGN_OR_RETURN(Compiled one, step->Compile(1));
  step->compiled_.emplace(1, std::move(one));
  return step;
}

absl::StatusOr<EvaluationStep::Compiled> EvaluationStep::Compile(int64_t rows) const {
  CompileOptions options;
  options.threads = options_.threads;
  for (Shape shape : options_.row_shapes) {
    shape.insert(shape.begin(), rows);
    options.input_shapes.push_back(std::move(shape));
  }
  ASSIGN_OR_RETURN(Graph graph, MakeEvaluationGraph(network_, options.input_shapes, options_.losses));
  RETURN_IF_ERROR(RunPublishPasses(graph, backend_.evaluate));
  for (size_t i = options.input_shapes.size(); i < graph.inputs().size(); ++i) {
    options.input_shapes.push_back(ToShape(*graph.value(graph.inputs()[i]).type.shape));
  }
  Compiled compiled;
  compiled.constants = std::make_unique<ConstantStore>(graph);
  ASSIGN_OR_RETURN(compiled.program, beak::Compile(graph, options, backend_, *compiled.constants));
  compiled.workspace = compiled.program->CreateWorkspace();
  return compiled;
}

absl::Status EvaluationStep::Run(const TrainingBatch& batch) {
  auto compiled = compiled_.find(batch.rows);
  if (compiled == compiled_.end()) {
    ASSIGN_OR_RETURN(Compiled made, Compile(batch.rows));
    compiled = compiled_.emplace(batch.rows, std::move(made)).first;
  }
  last_ = &compiled->second;
  BEAK_CHECK(batch.inputs.size() == options_.row_shapes.size() && batch.targets.size() == options_.losses.size());
  int input = 0;
  for (const auto* list : {&batch.inputs, &batch.targets}) {
    for (const std::span<const std::byte> bytes : *list) {
      const std::span<std::byte> to = last_->workspace->input(input);
      if (bytes.size() != to.size()) {
        return absl::InvalidArgumentError(absl::StrCat("'", last_->program->inputs()[input].name, "': expected ",
                                                       to.size(), " bytes a batch, got ", bytes.size()));
      }
      if (!bytes.empty()) std::memcpy(to.data(), bytes.data(), bytes.size());
      ++input;
    }
  }
  SetOpenMpThreads(options_.threads);
  return last_->program->Run(*last_->workspace);
}

float EvaluationStep::loss() const { return *reinterpret_cast<const float*>(last_->workspace->output(0).data()); }

std::span<const float> EvaluationStep::prediction(size_t loss) const {
  const std::span<const std::byte> bytes = last_->workspace->output(static_cast<int>(loss) + 1);
  return {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
}

}  // namespace beak
