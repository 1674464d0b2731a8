#include "engine/job/evaluate.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "engine/job/score_sums.h"

namespace beak {
namespace {

constexpr int64_t kMaxBatch = 64;              // larger ones are no faster
constexpr int64_t kMaxConfusionClasses = 100;  // of a result

}  // namespace

data::LoaderOptions EvaluationLoading(const JobPlan& plan, int64_t samples) {
  data::LoaderOptions loading;
  loading.batch_size = std::min({plan.loading.batch_size, samples, kMaxBatch});
  loading.shuffle = false;
  loading.epochs = 1;
  return loading;
}

absl::StatusOr<std::unique_ptr<EvaluationStep>> MakeEvaluationStep(const Graph& network, const JobPlan& plan,
                                                                   int64_t samples, const Backend& backend) {
  EvaluationStep::Options options;
  options.losses = plan.trainer.training.losses;
  options.row_shapes = plan.trainer.row_shapes;
  options.threads = plan.trainer.threads;
  options.rows = EvaluationLoading(plan, samples).batch_size;
  return EvaluationStep::Create(network, options, backend);
}

absl::StatusOr<Evaluation> Evaluate(const Graph& network, const JobPlan& plan, const data::PipelinePtr& data,
                                    const Backend& backend, const EvaluateOptions& options) {
  Evaluation evaluation;
  ScoreSums::Listener count;
  if (options.confusion && plan.classes && plan.classes->classes <= ConfusionMatrix::kMaxClasses) {
    ASSIGN_OR_RETURN(evaluation.confusion, ConfusionMatrix::Create(plan.classes->classes));
    count = [&](int64_t label, std::span<const float> scores) { evaluation.confusion->Add(label, BestClass(scores)); };
  }
  ASSIGN_OR_RETURN(const auto step, MakeEvaluationStep(network, plan, data->size(), backend));
  ASSIGN_OR_RETURN(const auto loader, data::Loader::Create(data, EvaluationLoading(plan, data->size())));
  ScoreSums sums(plan);
  while (true) {
    if (options.stop && options.stop()) return absl::CancelledError("evaluation: stopped");
    ASSIGN_OR_RETURN(const data::Batch* batch, loader->Next());
    if (batch == nullptr) break;
    RETURN_IF_ERROR(step->Run(ToTrainingBatch(plan, *batch)));
    const bool classes = plan.classes.has_value();
    sums.Add(*batch, step->loss(), classes ? step->prediction(plan.classes->loss) : std::span<const float>(), count);
  }
  evaluation.scores = sums.Scores();
  return evaluation;
}

std::string ClassName(const ClassTarget& target, int64_t number) {
  const auto index = static_cast<size_t>(number);
  return index < target.names.size() ? target.names[index] : absl::StrCat(number);
}

void Describe(const Evaluation& evaluation, const JobPlan& plan, v1::TrainResult& result) {
  *result.mutable_held_out() = evaluation.scores;
  if (!evaluation.confusion) return;
  const int64_t classes = evaluation.confusion->classes();
  const std::vector<ClassReport> reports = evaluation.confusion->Report();
  for (int64_t c = 0; c < classes; ++c) {
    const ClassReport& report = reports[static_cast<size_t>(c)];
    v1::ClassScore* const score = result.add_class_score();
    score->set_name(ClassName(*plan.classes, c));
    score->set_support(report.support);
    score->set_precision(report.precision);
    score->set_recall(report.recall);
    score->set_f1(report.f1);
  }
  if (classes > kMaxConfusionClasses) return;
  for (int64_t label = 0; label < classes; ++label) {
    for (int64_t c = 0; c < classes; ++c) result.add_confusion(evaluation.confusion->count(label, c));
  }
}

}  // namespace beak
