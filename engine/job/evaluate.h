#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/data/loader.h"
#include "engine/data/pipeline.h"
#include "engine/graph/graph.h"
#include "engine/job/job_plan.h"
#include "engine/runtime/kernel.h"
#include "engine/train/evaluation_step.h"
#include "engine/train/metrics.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {

// How a network does on samples that it was not trained on.
struct Evaluation {
  v1::Scores scores;
  // Where it was asked for, and there are classes, at most ConfusionMatrix::kMaxClasses.
  std::optional<ConfusionMatrix> confusion;
};

struct EvaluateOptions {
  bool confusion = false;
  std::function<bool()> stop;  // asked between batches; where it says so, the evaluation ends with CANCELLED
};

// How samples are read to be measured: all of them once, in their order, in batches as large as those of training, or
// of 64 where those are larger.
data::LoaderOptions EvaluationLoading(const JobPlan& plan, int64_t samples);

// The step of it, compiled for such batches: what a check of a job compiles too. Errors as EvaluationStep's.
absl::StatusOr<std::unique_ptr<EvaluationStep>> MakeEvaluationStep(const Graph& network, const JobPlan& plan,
                                                                   int64_t samples, const Backend& backend);

// Runs a network, as it would be served, on all samples of `data`. Any number of inputs and losses of any kind;
// accuracies where plan.classes says so. REQUIRES: a network and data that `plan` was made for; `backend` outlives it.
absl::StatusOr<Evaluation> Evaluate(const Graph& network, const JobPlan& plan, const data::PipelinePtr& data,
                                    const Backend& backend, const EvaluateOptions& options = {});

// What a class is called: its number where it has no name.
std::string ClassName(const ClassTarget& target, int64_t number);

// Puts an evaluation into the words of a result.
void Describe(const Evaluation& evaluation, const JobPlan& plan, v1::TrainResult& result);

}  // namespace beak
