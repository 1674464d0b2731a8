#include "engine/job/train_run.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "engine/base/process.h"
#include "engine/base/status.h"
#include "engine/job/evaluate.h"

namespace beak {
namespace {

constexpr double kWorkToWriting = 100;  // seconds between two checkpoints for each that one takes

constexpr char kTrainer[] = "trainer/";
constexpr char kEpoch[] = "epoch/";
constexpr char kPlateau[] = "plateau/";
constexpr char kEarlyStopping[] = "early_stopping/";
constexpr char kBest[] = "best/";
constexpr char kRun[] = "run/";

double MetricOf(JobMetric metric, const v1::Scores& scores) {
  switch (metric) {
    case JobMetric::kLoss:
      return scores.loss();
    case JobMetric::kAccuracy:
      return scores.accuracy();
    case JobMetric::kTop5Accuracy:
      break;
  }
  return scores.top5_accuracy();
}

Goal GoalOf(JobMetric metric) { return metric == JobMetric::kLoss ? Goal::kMinimize : Goal::kMaximize; }

}  // namespace

TrainRun::TrainRun(const JobPlan& plan, const JobData& data, const Backend& backend, EventSink& events,
                   const Clock& clock, const TrainRunOptions& options)
    : plan_(plan),
      data_(data),
      backend_(backend),
      events_(events),
      clock_(clock),
      options_(options),
      sums_(plan),
      meter_(clock),
      started_(clock.Now()),
      last_checkpoint_(started_) {
  if (plan.plateau) plateau_.emplace(*plan.plateau, plan.schedule.base_rate);
  if (plan.early_stopping) early_stopping_.emplace(*plan.early_stopping);
}

absl::StatusOr<std::unique_ptr<TrainRun>> TrainRun::Create(const Graph& network, const JobPlan& plan,
                                                           const JobData& data, const Backend& backend,
                                                           EventSink& events, const Clock& clock,
                                                           const TrainRunOptions& options) {
  std::unique_ptr<TrainRun> run(new TrainRun(plan, data, backend, events, clock, options));
  ASSIGN_OR_RETURN(run->trainer_, Trainer::Create(network, plan.trainer, backend));
  for (const auto& [name, tensor] : run->trainer_->Export().tensors) {
    for (const std::string_view part : {"parameter/", "statistic/"}) {
      if (name.starts_with(part)) run->values_.emplace(name.substr(part.size()), tensor.shape());
    }
  }
  ASSIGN_OR_RETURN(const MemoryNeeds needs, FindMemoryNeeds(*run->trainer_, plan, data, backend));
  run->planned_peak_bytes_ = std::max(PlannedPeakBytes(needs), PeakResidentBytes());
  return run;
}

int64_t TrainRun::num_parameters() const {
  int64_t sum = 0;
  for (const Parameter& parameter : trainer_->parameters()) sum += NumElements(parameter.shape);
  return sum;
}

// ---------------------------------------------------------------- the loop

absl::StatusOr<Trained> TrainRun::Run() {
  started_ = last_checkpoint_ = clock_.Now();
  meter_.Restart();
  while (!stopped_early_ && position_.epoch < plan_.epochs) {
    RETURN_IF_ERROR(position_.batch < plan_.batches_per_epoch ? TrainBatch() : FinishEpoch());
  }
  loader_.reset();
  Tell(v1::TrainProgress::EXPORTING);
  Trained trained{trainer_->Network(), position_.epoch - 1, stopped_early_, epochs_, SecondsSoFar()};
  if (best_.empty()) return trained;
  trained.epoch = best_epoch_;
  for (const auto& [name, tensor] : best_) {
    trained.network.mutable_value(trained.network.FindValue(name)).constant = tensor;
  }
  return trained;
}

double TrainRun::LearningRate() const {
  Schedule schedule = plan_.schedule;
  if (plateau_) schedule.base_rate = plateau_->rate();
  return LearningRateAt(schedule, {trainer_->steps(), position_.epoch});
}

absl::StatusOr<const data::Batch*> TrainRun::NextBatch() {
  if (loader_ == nullptr) {
    data::LoaderOptions loading = plan_.loading;
    loading.epochs = plan_.epochs;
    ASSIGN_OR_RETURN(loader_, data::Loader::Create(data_.training, loading, position_));
    BEAK_CHECK(loader_->batches_per_epoch() == plan_.batches_per_epoch);
    meter_.Restart();
  }
  ASSIGN_OR_RETURN(const data::Batch* batch, loader_->Next());
  BEAK_CHECK(batch != nullptr && batch->position == position_);
  return batch;
}

absl::Status TrainRun::TrainBatch() {
  if (Stopping()) return Stop();
  ASSIGN_OR_RETURN(const data::Batch* batch, NextBatch());
  learning_rate_ = LearningRate();
  ASSIGN_OR_RETURN(const BatchReport report, trainer_->Train(ToTrainingBatch(plan_, *batch), learning_rate_));
  within_step_ = !report.stepped;
  sums_.Add(*batch, report.loss, plan_.classes ? trainer_->prediction(plan_.classes->loss) : std::span<const float>());
  ++position_.batch;
  epoch_seconds_ += meter_.BatchDone();
  if (meter_.DueToTell()) Tell(v1::TrainProgress::TRAINING);
  return CheckpointDue() ? WriteCheckpoint() : absl::OkStatus();
}

absl::Status TrainRun::FinishEpoch() {
  v1::EpochReport report;
  report.set_epoch(position_.epoch);
  report.set_steps(trainer_->steps());
  *report.mutable_training() = sums_.Scores();
  report.set_learning_rate(learning_rate_);
  report.set_seconds(epoch_seconds_);
  if (epoch_seconds_ > 0) report.set_samples_per_second(static_cast<double>(sums_.samples()) / epoch_seconds_);
  if (data_.held_out != nullptr) {
    const absl::Status status = Measure(report);
    if (absl::IsCancelled(status) && Stopping()) return Stop();
    RETURN_IF_ERROR(status);
  }
  epochs_.push_back(report);
  position_ = {position_.epoch + 1, 0};
  sums_.Clear();
  epoch_seconds_ = 0;
  events_.Epoch(report);
  checkpoint_wanted_ = options_.checkpoints != nullptr;
  return CheckpointDue() ? WriteCheckpoint() : absl::OkStatus();
}

absl::Status TrainRun::Measure(v1::EpochReport& report) {
  if (meter_.DueToTell()) Tell(v1::TrainProgress::EVALUATING);
  const MonotonicTime begin = clock_.Now();
  const Graph network = trainer_->Network();
  EvaluateOptions options;
  options.stop = [this] { return Stopping(); };
  ASSIGN_OR_RETURN(const Evaluation evaluation, Evaluate(network, plan_, data_.held_out, backend_, options));
  *report.mutable_held_out() = evaluation.scores;
  Judge(network, report);
  measuring_seconds_ = Seconds(clock_.Now() - begin);
  meter_.Restart();
  return absl::OkStatus();
}

// What follows from how good the network is after an epoch.
void TrainRun::Judge(const Graph& network, v1::EpochReport& report) {
  const double metric = MetricOf(plan_.metric, report.held_out());
  if (IsBetter(GoalOf(plan_.metric), metric, best_metric_, 0)) {
    report.set_best(true);
    best_metric_ = metric;
    best_epoch_ = position_.epoch;
    for (const auto& [name, shape] : values_) {
      if (plan_.keep_best) best_[name] = *network.ConstantOf(network.FindValue(name));
    }
  }
  if (plateau_) plateau_->Observe(metric);
  if (early_stopping_) stopped_early_ = early_stopping_->Observe(metric) == EarlyStopping::Verdict::kStop;
}

void TrainRun::Tell(v1::TrainProgress::Phase phase) {
  const double batch = meter_.median_seconds();
  const int64_t epochs_left = stopped_early_ ? 0 : plan_.epochs - position_.epoch;
  const auto batches = static_cast<double>(epochs_left * plan_.batches_per_epoch - position_.batch);
  v1::TrainProgress progress;
  progress.set_phase(phase);
  progress.set_step(trainer_->steps());
  progress.set_steps(plan_.steps);
  progress.set_epoch(std::min(position_.epoch, plan_.epochs - 1));
  progress.set_epochs(plan_.epochs);
  progress.set_loss(sums_.loss());
  progress.set_learning_rate(learning_rate_);
  if (batch > 0) progress.set_samples_per_second(static_cast<double>(plan_.loading.batch_size) / batch);
  progress.set_step_seconds(batch * static_cast<double>(plan_.trainer.accumulated_batches));
  progress.set_seconds_left(std::max(batches, 0.0) * batch + static_cast<double>(epochs_left) * measuring_seconds_);
  events_.Progress(progress);
}

// ---------------------------------------------------------------- stopping and going on

// Only between two steps: what has been accumulated for the next one is in no checkpoint.
bool TrainRun::Stopping() const { return !within_step_ && options_.stop && options_.stop(); }

absl::Status TrainRun::Stop() {
  RETURN_IF_ERROR(WriteCheckpoint());
  return absl::CancelledError(absl::StrCat("stopped as asked after ", trainer_->steps(), " steps"));
}

// The end of an epoch writes one of its own, when it has been looked at. Between them a slow disk does not slow
// training down.
bool TrainRun::CheckpointDue() const {
  if (options_.checkpoints == nullptr || within_step_) return false;
  if (checkpoint_wanted_) return true;
  if (position_.batch == plan_.batches_per_epoch) return false;
  const double least = std::max(static_cast<double>(plan_.checkpoint_seconds), kWorkToWriting * checkpoint_cost_);
  return Seconds(clock_.Now() - last_checkpoint_) >= least;
}

absl::Status TrainRun::WriteCheckpoint() {
  if (options_.checkpoints == nullptr) return absl::OkStatus();
  const MonotonicTime begin = clock_.Now();
  RETURN_IF_ERROR(
      options_.checkpoints->Write({trainer_->steps(), position_, ExportProgress(), epochs_, options_.origin}));
  checkpoint_wanted_ = false;
  last_checkpoint_ = clock_.Now();
  checkpoint_cost_ = Seconds(last_checkpoint_ - begin);
  meter_.Restart();
  return absl::OkStatus();
}

NamedState TrainRun::ExportProgress() const {
  NamedState state;
  PutPart(kTrainer, trainer_->Export(), state);
  PutPart(kEpoch, sums_.Export(), state);
  if (plateau_) PutPart(kPlateau, plateau_->Export(), state);
  if (early_stopping_) PutPart(kEarlyStopping, early_stopping_->Export(), state);
  PutPart(kBest, {best_, {}}, state);
  NamedState run;
  run.numbers = {{"epoch_seconds", epoch_seconds_},
                 {"learning_rate", learning_rate_},
                 {"seconds", SecondsSoFar()},
                 {"stopped_early", stopped_early_ ? 1 : 0}};
  if (best_metric_) run.numbers["best_metric"] = *best_metric_;
  if (best_metric_) run.numbers["best_epoch"] = static_cast<double>(best_epoch_);
  PutPart(kRun, run, state);
  return state;
}

absl::Status TrainRun::Resume(const Checkpoint& checkpoint) {
  const auto [epoch, batch] = checkpoint.position;
  if (epoch < 0 || epoch > plan_.epochs || batch < 0 || batch > plan_.batches_per_epoch) {
    return absl::InvalidArgumentError(absl::StrCat("checkpoint: expected a batch of ", plan_.epochs, " epochs of ",
                                                   plan_.batches_per_epoch, ", got batch ", batch, " of epoch ",
                                                   epoch));
  }
  if (const absl::Status status = ImportProgress(checkpoint.state); !status.ok()) return Annotate(status, "checkpoint");
  position_ = checkpoint.position;
  epochs_ = checkpoint.epochs;
  return absl::OkStatus();
}

absl::Status TrainRun::ImportProgress(const NamedState& state) {
  NamedState rest = state;
  RETURN_IF_ERROR(trainer_->Import(TakePart(kTrainer, rest)));
  RETURN_IF_ERROR(sums_.Import(TakePart(kEpoch, rest)));
  if (plateau_) RETURN_IF_ERROR(plateau_->Import(TakePart(kPlateau, rest)));
  if (early_stopping_) RETURN_IF_ERROR(early_stopping_->Import(TakePart(kEarlyStopping, rest)));
  RETURN_IF_ERROR(ImportBest(TakePart(kBest, rest)));
  const NamedState run = TakePart(kRun, rest);
  StateReader reader(run);
  epoch_seconds_ = reader.TakeNumber("epoch_seconds", 0, HUGE_VAL);
  learning_rate_ = reader.TakeNumber("learning_rate", 0, HUGE_VAL);
  seconds_before_ = reader.TakeNumber("seconds", 0, HUGE_VAL);
  stopped_early_ = reader.TakeCount("stopped_early") > 0;
  if (reader.Has("best_metric")) best_metric_ = reader.TakeNumber("best_metric", -HUGE_VAL, HUGE_VAL);
  if (best_metric_) best_epoch_ = reader.TakeCount("best_epoch");
  RETURN_IF_ERROR(reader.Finish());
  return StateReader(rest).Finish();  // nothing is left
}

absl::Status TrainRun::ImportBest(const NamedState& state) {
  if (state.tensors.empty()) return absl::OkStatus();
  StateReader reader(state);
  for (const auto& [name, shape] : values_) best_[name] = reader.TakeTensor(name, shape);
  return reader.Finish();
}

}  // namespace beak
