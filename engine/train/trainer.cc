#include "engine/train/trainer.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/check.h"
#include "engine/base/field_errors.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr char kParameter[] = "parameter/";
constexpr char kStatistic[] = "statistic/";
constexpr char kBatches[] = "batches";

absl::Status CheckOptions(const TrainerOptions& options) {
  std::vector<std::string> wrong = Validate(options.clip);
  for (const auto& [name, penalty] : options.penalties) {
    for (const std::string& text : Validate(penalty)) wrong.push_back(absl::StrCat("parameter '", name, "': ", text));
  }
  FieldErrors errors;
  errors.Expect(options.accumulated_batches >= 1, "accumulated_batches", "1 or more", options.accumulated_batches);
  errors.Expect(options.batch_rows >= 1, "batch_rows", "1 or more", options.batch_rows);
  for (std::string& text : errors.Take()) wrong.push_back(std::move(text));
  if (wrong.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(wrong, "; "));
}

absl::Status CheckUnitNorm(const Parameter& parameter, const UnitNormLimit& limit) {
  const int rank = static_cast<int>(parameter.shape.size());
  if (limit.max_norm > 0 && limit.unit_axis >= 0 && limit.unit_axis < rank) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("parameter '", parameter.name, "': expected a norm above 0 and an axis of ",
                   ToString(parameter.shape), ", got ", limit.max_norm, " and ", limit.unit_axis));
}

absl::StatusOr<Tensor> FloatConstant(const Graph& network, const std::string& name) {
  const Tensor* tensor = network.ConstantOf(network.FindValue(name));
  if (tensor == nullptr || !tensor->has_bytes() || tensor->dtype() != DType::kFloat32) {
    return absl::InvalidArgumentError(absl::StrCat("'", name, "': expected float32 values to begin with"));
  }
  return CopyOf(*tensor);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Trainer>> Trainer::Create(Graph network, const TrainerOptions& options,
                                                         const Backend& backend) {
  RETURN_IF_ERROR(CheckOptions(options));
  std::unique_ptr<Trainer> trainer(new Trainer(std::move(network), options));
  ASSIGN_OR_RETURN(trainer->step_,
                   TrainingStep::Create(trainer->network_, options.batch_rows,
                                        {options.training, options.row_shapes, options.threads}, backend));
  RETURN_IF_ERROR(trainer->TakeInitialValues());
  std::vector<ParameterInfo> infos;
  for (const Parameter& parameter : trainer->parameters()) {
    const auto limit = options.unit_norms.find(parameter.name);
    if (limit != options.unit_norms.end()) RETURN_IF_ERROR(CheckUnitNorm(parameter, limit->second));
    infos.push_back({parameter.name, parameter.shape, options.without_weight_decay.count(parameter.name) == 0});
  }
  if (options.average) {
    ASSIGN_OR_RETURN(trainer->average_, WeightAverage::Create(*options.average, infos));
  }
  ASSIGN_OR_RETURN(trainer->optimizer_, Optimizer::Create(options.optimizer, std::move(infos)));
  return trainer;
}

absl::Status Trainer::TakeInitialValues() {
  for (const Parameter& parameter : parameters()) {
    ASSIGN_OR_RETURN(Tensor value, FloatConstant(network_, parameter.name));
    values_.push_back(std::move(value));
  }
  for (const RunningStatistics& statistic : step_->statistics()) {
    for (const std::string& name : {statistic.mean, statistic.variance}) {
      ASSIGN_OR_RETURN(Tensor value, FloatConstant(network_, name));
      statistics_.insert_or_assign(name, std::move(value));
    }
  }
  return absl::OkStatus();
}

// ---------------------------------------------------------------- a step

absl::StatusOr<BatchReport> Trainer::Train(const TrainingBatch& batch, double learning_rate, const RunOptions& run) {
  // Dropout differs from batch to batch, and is the same when a run is taken up again.
  const int64_t seed = static_cast<int64_t>(options_.seed ^ (static_cast<uint64_t>(batches_) << 20));
  RETURN_IF_ERROR(step_->Run(batch, seed, values_, run));
  const std::vector<std::span<float>> gradients = Gradients();
  BatchReport report;
  report.loss = step_->loss() + AddPenalties(gradients);
  report.gradient_norm = GlobalNorm(gradients, options_.threads);
  RETURN_IF_ERROR(CheckFinite(report, gradients));
  UpdateStatistics();
  ++batches_;
  if (options_.accumulated_batches > 1) {
    accumulator_.Add(gradients);
    if (accumulator_.count() < options_.accumulated_batches) return report;
    accumulator_.TakeMean(gradients);
    report.gradient_norm = GlobalNorm(gradients, options_.threads);
    RETURN_IF_ERROR(CheckFinite(report, gradients));  // a sum of large numbers need not be
  }
  ClipGradients(options_.clip, report.gradient_norm, gradients);
  report.stepped = true;
  Update(gradients, learning_rate);
  return report;
}

std::vector<std::span<float>> Trainer::Gradients() const {
  std::vector<std::span<float>> gradients;
  for (size_t i = 0; i < values_.size(); ++i) gradients.push_back(step_->gradient(i));
  return gradients;
}

double Trainer::AddPenalties(const std::vector<std::span<float>>& gradients) const {
  double sum = 0;
  for (size_t i = 0; i < values_.size(); ++i) {
    const auto penalty = options_.penalties.find(parameters()[i].name);
    if (penalty == options_.penalties.end()) continue;
    sum += PenaltyOf(penalty->second, values(i));
    AddPenaltyGradient(penalty->second, values(i), gradients[i]);
  }
  return sum;
}

absl::Status Trainer::CheckFinite(const BatchReport& report, const std::vector<std::span<float>>& gradients) const {
  if (!std::isfinite(report.loss)) {
    return absl::FailedPreconditionError(absl::StrCat("step ", steps(), ": expected a finite loss, got ", report.loss));
  }
  if (std::isfinite(report.gradient_norm)) return absl::OkStatus();
  const std::optional<size_t> wrong = FirstNonFinite(gradients);
  BEAK_CHECK(wrong.has_value());
  return absl::FailedPreconditionError(
      absl::StrCat("step ", steps(), ": gradient of '", parameters()[*wrong].name, "': expected finite numbers"));
}

void Trainer::Update(const std::vector<std::span<float>>& gradients, double learning_rate) {
  std::vector<ParameterBytes> bytes;
  for (size_t i = 0; i < values_.size(); ++i) {
    bytes.push_back({values_[i].mutable_values<float>(), gradients[i]});
  }
  optimizer_->Step(learning_rate, bytes, options_.threads);
  for (size_t i = 0; i < values_.size(); ++i) {
    const auto limit = options_.unit_norms.find(parameters()[i].name);
    if (limit == options_.unit_norms.end()) continue;
    LimitUnitNorms(limit->second.max_norm, parameters()[i].shape, limit->second.unit_axis, bytes[i].values);
  }
  if (average_) average_->Update(ConstValues());
}

// r = m r + (1 - m) x. Keras keeps the batch's variance, PyTorch n / (n - 1) times it.
void Trainer::UpdateStatistics() {
  const std::vector<RunningStatistics>& all = step_->statistics();
  for (size_t i = 0; i < all.size(); ++i) {
    const float keep = all[i].momentum;
    const auto update = [&](const std::string& name, std::span<const float> batch, float factor) {
      const std::span<float> running = statistics_.at(name).mutable_values<float>();
      for (size_t c = 0; c < running.size(); ++c) running[c] = keep * running[c] + (1 - keep) * factor * batch[c];
    };
    const auto count = static_cast<float>(step_->statistics_count(i));
    const bool unbiased = count > 1 && options_.unbiased_variances.count(all[i].variance) > 0;
    update(all[i].mean, step_->mean(i), 1);
    update(all[i].variance, step_->variance(i), unbiased ? count / (count - 1) : 1);
  }
}

std::vector<std::span<const float>> Trainer::ConstValues() const {
  std::vector<std::span<const float>> spans;
  for (size_t i = 0; i < values_.size(); ++i) spans.push_back(values(i));
  return spans;
}

// ---------------------------------------------------------------- what has been learned

Graph Trainer::Network() const {
  Graph network = network_;
  const auto set = [&](const std::string& name, const Tensor& value) {
    network.mutable_value(network.FindValue(name)).constant = value;
  };
  for (size_t i = 0; i < values_.size(); ++i) {
    const bool averaged = average_ && average_->updates() > 0;
    set(parameters()[i].name, CopyOf(averaged ? average_->tensor(i) : values_[i]));
  }
  for (const auto& [name, value] : statistics_) set(name, CopyOf(value));
  return network;
}

NamedState Trainer::Export() const {
  NamedState state;
  for (size_t i = 0; i < values_.size(); ++i) {
    state.tensors.emplace(absl::StrCat(kParameter, parameters()[i].name), CopyOf(values_[i]));
  }
  for (const auto& [name, value] : statistics_) state.tensors.emplace(absl::StrCat(kStatistic, name), CopyOf(value));
  state.numbers.emplace(kBatches, static_cast<double>(batches_));
  PutPart("optimizer/", optimizer_->Export(), state);
  if (average_) PutPart("average/", average_->Export(), state);
  return state;
}

absl::Status Trainer::Import(const NamedState& state) {
  NamedState rest = state;
  const NamedState optimizer = TakePart("optimizer/", rest);
  const NamedState average = average_ ? TakePart("average/", rest) : NamedState();  // else it is too much
  StateReader reader(rest);
  std::vector<Tensor> values;
  for (const Parameter& parameter : parameters()) {
    values.push_back(reader.TakeTensor(absl::StrCat(kParameter, parameter.name), parameter.shape));
  }
  std::map<std::string, Tensor> statistics;
  for (const auto& [name, value] : statistics_) {
    statistics.emplace(name, reader.TakeTensor(absl::StrCat(kStatistic, name), value.shape()));
  }
  const int64_t batches = reader.TakeCount(kBatches);
  RETURN_IF_ERROR(reader.Finish());
  if (batches % options_.accumulated_batches != 0) {
    return absl::InvalidArgumentError("batches: expected state between two steps");
  }
  std::unique_ptr<WeightAverage> averaged;  // a copy, so that a failure changes nothing
  if (average_) {
    averaged = std::make_unique<WeightAverage>(*average_);
    RETURN_IF_ERROR(averaged->Import(average));
  }
  RETURN_IF_ERROR(optimizer_->Import(optimizer));
  average_ = std::move(averaged);
  for (size_t i = 0; i < values.size(); ++i) values_[i] = CopyOf(values[i]);
  for (auto& [name, value] : statistics_) value = CopyOf(statistics.at(name));
  accumulator_ = {};
  batches_ = batches;
  return absl::OkStatus();
}

}  // namespace beak
