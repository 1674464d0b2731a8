#include "engine/job/job_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/status.h"
#include "engine/data/normalisation.h"
#include "engine/job/bind_fields.h"
#include "engine/job/check_spec.h"
#include "engine/job/fit_network.h"
#include "engine/job/graph_parameters.h"
#include "engine/job/input_normalisation.h"
#include "engine/job/training_options.h"
#include "engine/ops/op.h"
#include "engine/train/normalise_input.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

constexpr int64_t kDefaultBatchSize = 32;
constexpr int64_t kDefaultCheckpointSeconds = 30;

absl::Status AllLines(const std::vector<std::string>& lines) {
  if (lines.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(lines, "\n"));
}

int64_t DivideUp(int64_t a, int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

class Planner {
 public:
  Planner(const v1::TrainJobSpec& spec, const JobData& data, int threads, JobNetwork& network)
      : spec_(spec),
        training_(spec.training()),
        data_(data),
        schema_(data.training->schema()),
        threads_(threads),
        network_(network) {}

  absl::StatusOr<JobPlan> Make() {
    Count();
    if (std::optional<FieldBinding> binding = BindFields(spec_, schema_, network_.graph, lines_)) {
      RETURN_IF_ERROR(Fit(*binding));
    }
    RETURN_IF_ERROR(AllLines(lines_));
    SetTrainer();
    return std::move(plan_);
  }

 private:
  // ---------------------------------------------------------------- how long it takes

  void Count() {
    data::LoaderOptions& loading = plan_.loading;
    loading.batch_size = training_.batch_size() > 0 ? training_.batch_size() : kDefaultBatchSize;
    loading.drop_last = training_.drop_last();
    loading.seed = training_.seed();
    loading.epochs = plan_.epochs = training_.epochs();
    const int64_t samples = data_.training->size();
    plan_.batches_per_epoch = loading.drop_last ? samples / loading.batch_size : DivideUp(samples, loading.batch_size);
    const int64_t batches = plan_.epochs * plan_.batches_per_epoch;
    const int64_t accumulated = std::max<int64_t>(training_.accumulated_batches(), 1);
    plan_.steps = batches / accumulated;
    if (plan_.batches_per_epoch == 0) {
      lines_.push_back(absl::StrCat("training.drop_last: expected at least one whole batch of ", loading.batch_size,
                                    " samples, got ", samples));
    } else if (plan_.steps == 0) {
      lines_.push_back(absl::StrCat("training.accumulated_batches: expected at most the ", batches,
                                    " batches of the training, got ", accumulated));
    } else {
      SetSchedule();
    }
    plan_.checkpoint_seconds =
        training_.has_checkpoint_seconds() ? training_.checkpoint_seconds() : kDefaultCheckpointSeconds;
  }

  void SetSchedule() {
    const bool by_epoch = training_.schedule().unit() == v1::LearningRateSchedule::EPOCH;
    const int64_t positions = by_epoch ? plan_.epochs : plan_.steps;
    CheckSchedule(training_.schedule(), positions, lines_);
    plan_.schedule = ToOptions(training_.schedule(), ToOptions(training_.optimizer()).learning_rate, positions);
  }

  // ---------------------------------------------------------------- data and network

  absl::Status Fit(const FieldBinding& binding) {
    const size_t before = lines_.size();
    const std::vector<Shape> row_shapes = FitInputs(binding, schema_, network_.graph, lines_);
    if (lines_.size() > before) return absl::OkStatus();
    plan_.input_fields = binding.inputs;
    const int64_t rows = std::min(plan_.loading.batch_size, data_.training->size());
    const FittedLosses fitted = FitLosses(binding, schema_, network_.graph, row_shapes, rows, lines_);
    if (lines_.size() > before) return absl::OkStatus();
    for (const BoundLoss& bound : binding.losses) plan_.target_fields.push_back(bound.target);
    FindClasses(fitted);
    SetMetric();
    CheckGate();
    RETURN_IF_ERROR(Normalise(binding));
    plan_.trainer = network_.options;
    plan_.trainer.training.losses = fitted.losses;
    plan_.trainer.row_shapes = row_shapes;
    plan_.trainer.batch_rows = rows;
    return absl::OkStatus();
  }

  // The first loss whose targets are classes, one a sample.
  void FindClasses(const FittedLosses& fitted) {
    for (size_t i = 0; i < fitted.losses.size(); ++i) {
      const data::Field& target = schema_.fields[plan_.target_fields[i]];
      const bool classes = fitted.losses[i].kind == Loss::Kind::kSoftmaxCrossEntropy && target.num_classes > 0;
      if (!classes || NumElements(ToShape(target.shape)) != 1) continue;
      plan_.classes = ClassTarget{i, fitted.outputs[i][1], target.class_names};
      // A network may have more classes than the data: those have their numbers as names.
      std::vector<std::string>& names = plan_.classes->names;
      const auto count = static_cast<size_t>(plan_.classes->classes);
      while (!names.empty() && names.size() < count) names.push_back(absl::StrCat(names.size()));
      return;
    }
  }

  // ---------------------------------------------------------------- what is looked at

  JobMetric MetricOf(v1::Metric metric, const char* field) {
    const bool classes = plan_.classes.has_value();
    if (metric == v1::LOSS || (metric == v1::DEFAULT_METRIC && !classes)) return JobMetric::kLoss;
    if (!classes) {
      lines_.push_back(absl::StrCat(field, ": expected LOSS, for no loss has classes as targets, one a sample"));
    } else if (metric == v1::TOP5_ACCURACY && plan_.classes->classes <= 5) {
      lines_.push_back(absl::StrCat(field, ": expected more than 5 classes, got ", plan_.classes->classes));
    }
    return metric == v1::TOP5_ACCURACY ? JobMetric::kTop5Accuracy : JobMetric::kAccuracy;
  }

  void SetMetric() {
    plan_.metric = MetricOf(training_.metric(), "training.metric");
    plan_.keep_best = training_.keep_best();
    const Goal goal = plan_.metric == JobMetric::kLoss ? Goal::kMinimize : Goal::kMaximize;
    if (training_.schedule().has_plateau()) plan_.plateau = ToOptions(training_.schedule().plateau(), goal);
    if (training_.has_early_stopping()) plan_.early_stopping = ToOptions(training_.early_stopping(), goal);
  }

  // Whether the result can be judged in the end.
  void CheckGate() {
    const v1::Publish& publish = spec_.publish();
    if (publish.when() == v1::Publish::BETTER_THAN_SERVING && !plan_.classes) {
      lines_.push_back(
          "publish.when: expected other than BETTER_THAN_SERVING, for no loss has classes as targets, one a sample");
    }
    if (publish.when() != v1::Publish::METRIC) return;
    const JobMetric metric = MetricOf(publish.metric(), "publish.metric");
    if (publish.metric() != v1::DEFAULT_METRIC || publish.has_at_most() == (metric == JobMetric::kLoss)) return;
    lines_.push_back(metric == JobMetric::kLoss
                         ? "publish: expected at_most, for the metric is the loss where there are no classes"
                         : "publish: expected at_least, for the metric is the accuracy where there are classes");
  }

  // ---------------------------------------------------------------- normalisation

  absl::StatusOr<data::Normalisation> NormalisationOf(const v1::InputBinding& input) const {
    if (input.has_scale_range()) return ToNormalisation(input.scale_range());
    if (input.has_fixed()) return ToNormalisation(input.fixed());
    ASSIGN_OR_RETURN(const data::ChannelStatistics statistics, data::ComputeStatistics(*data_.plain, input.field()));
    return input.has_standardise() ? data::Standardise(statistics) : data::SubtractMean(statistics);
  }

  // What the data says is computed only where all else fits.
  absl::Status Normalise(const FieldBinding& binding) {
    for (size_t i = 0; i < binding.inputs.size(); ++i) {
      const v1::InputBinding* const input = binding.normalising[i];
      if (input == nullptr || input->normalisation_case() == v1::InputBinding::NORMALISATION_NOT_SET) continue;
      if (!lines_.empty() && (input->has_standardise() || input->has_subtract_mean())) continue;
      const std::string name = network_.graph.value(network_.graph.inputs()[i]).name;
      const absl::StatusOr<data::Normalisation> computed = NormalisationOf(*input);
      if (!computed.ok()) return Annotate(computed.status(), "input");
      const absl::Status status =
          NormaliseInput(name, computed->offset, computed->scale, network_.graph, network_.options.training.frozen);
      if (!status.ok()) lines_.push_back(absl::StrCat("input: ", std::string(status.message())));
    }
    return Annotate(InferShapes(network_.graph), "network");
  }

  // ---------------------------------------------------------------- the trainer

  void SetTrainer() {
    TrainerOptions& trainer = plan_.trainer;
    trainer.optimizer = ToOptions(training_.optimizer());
    if (training_.has_clip()) trainer.clip = ToOptions(training_.clip());
    if (training_.has_weight_average()) trainer.average = ToOptions(training_.weight_average());
    trainer.accumulated_batches = std::max<int64_t>(training_.accumulated_batches(), 1);
    trainer.threads = threads_;
    trainer.seed = training_.seed();
    if (training_.l1() == 0 && training_.l2() == 0) return;
    for (const std::string& name : FindKernels(network_.graph)) {
      if (trainer.training.frozen.count(name) > 0) continue;
      WeightPenalty& penalty = trainer.penalties[name];
      penalty.l1 += training_.l1();
      penalty.l2 += training_.l2();
    }
  }

  const v1::TrainJobSpec& spec_;
  const v1::Training& training_;
  const JobData& data_;
  const data::Schema& schema_;
  const int threads_;
  JobNetwork& network_;
  JobPlan plan_;
  std::vector<std::string> lines_;
};

}  // namespace

absl::StatusOr<JobPlan> MakeJobPlan(const v1::TrainJobSpec& spec, const JobData& data, int threads,
                                    JobNetwork& network) {
  return Planner(spec, data, threads, network).Make();
}

absl::StatusOr<std::set<std::string>> FindIndexFields(const v1::TrainJobSpec& spec, const JobFolder& folder,
                                                      const std::string& served_file) {
  ASSIGN_OR_RETURN(const Graph graph, ReadJobGraph(spec.network(), folder, served_file));
  const data::Schema schema = DescribeFields(spec.data());
  std::vector<std::string> lines;
  const std::optional<FieldBinding> binding = BindFields(spec, schema, graph, lines);
  RETURN_IF_ERROR(AllLines(lines));
  std::set<std::string> fields;
  for (size_t i = 0; i < binding->inputs.size(); ++i) {
    if (graph.value(graph.inputs()[i]).type.dtype != DType::kInt64) continue;
    fields.insert(schema.fields[binding->inputs[i]].name);
  }
  for (const BoundLoss& bound : binding->losses) {
    const data::Field& target = schema.fields[bound.target];
    if (bound.loss->kind() == v1::Loss::SOFTMAX_CROSS_ENTROPY && target.num_classes == 0) fields.insert(target.name);
  }
  return fields;
}

int64_t CountClasses(const data::Schema& schema) {
  int64_t classes = 0, fields = 0;
  for (const data::Field& field : schema.fields) {
    if (field.num_classes == 0) continue;
    classes = field.num_classes;
    ++fields;
  }
  return fields == 1 ? classes : 0;
}

}  // namespace beak
