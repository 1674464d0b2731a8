#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/field_errors.h"
#include "engine/formats/beak/layer_order.h"
#include "engine/job/check_spec.h"
#include "engine/job/training_options.h"
#include "engine/job/unknown_enums.h"
#include "engine/train/regularizer.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {
namespace {

constexpr int64_t kMillion = 1'000'000;
constexpr int64_t kMaxThreads = 1024;
constexpr int kMaxLosses = 64;
constexpr int kMaxClassWeights = kMillion;
constexpr double kMaxWeight = 1e6;
constexpr int64_t kUnknownLength = int64_t{1} << 40;  // of a training in steps, whose data is not known yet

// What engine/train calls otherwise than the job.
constexpr std::pair<std::string_view, std::string_view> kProtoNames[] = {
    {"boundaries", "boundary"}, {"clip limit", "limit"}, {"milestones", "milestone"}, {"rates", "rate"}};

std::string WithProtoName(const std::string& line) {
  for (const auto& [ours, theirs] : kProtoNames) {
    const bool is = line.starts_with(ours) && line.substr(ours.size(), 1) == ":";
    if (is) return absl::StrCat(std::string(theirs), line.substr(ours.size()));
  }
  return line;
}

void AddRenamed(const std::string& place, const std::vector<std::string>& from, std::vector<std::string>& lines) {
  for (const std::string& line : from) lines.push_back(absl::StrCat(place, WithProtoName(line)));
}

// ---------------------------------------------------------------- numbers

void CheckNumbers(const v1::Training& training, std::vector<std::string>& lines) {
  FieldErrors errors;
  const auto in = [](int64_t value, int64_t low, int64_t high) { return value >= low && value <= high; };
  errors.Expect(in(training.epochs(), 1, kMillion), "epochs", "1 to 1000000", training.epochs());
  errors.Expect(in(training.batch_size(), 0, kMillion), "batch_size", "1 to 1000000, or 0 for the default",
                training.batch_size());
  errors.Expect(in(training.accumulated_batches(), 0, kMillion), "accumulated_batches",
                "1 to 1000000, or 0 for the default", training.accumulated_batches());
  errors.Expect(in(training.threads(), 0, kMaxThreads), "threads", "1 to 1024, or 0 for all", training.threads());
  errors.Expect(!training.has_checkpoint_seconds() || in(training.checkpoint_seconds(), 1, kMillion),
                "checkpoint_seconds", "1 to 1000000", training.checkpoint_seconds());
  AddLines("training.", errors.Take(), lines);
  AddLines("training.", Validate(WeightPenalty{training.l1(), training.l2()}), lines);
}

// ---------------------------------------------------------------- the schedule

void CheckScheduleOf(const v1::TrainJobSpec& spec, std::vector<std::string>& lines) {
  const v1::LearningRateSchedule& schedule = spec.training().schedule();
  const bool by_epoch = schedule.unit() == v1::LearningRateSchedule::EPOCH;
  CheckSchedule(schedule, by_epoch ? std::max<int64_t>(spec.training().epochs(), 1) : kUnknownLength, lines);
  if (!schedule.has_plateau()) return;
  AddRenamed("training.schedule.plateau.", Validate(ToOptions(schedule.plateau(), Goal::kMinimize)), lines);
  NeedHeldOutData(spec, "training.schedule.plateau", lines);
}

// ---------------------------------------------------------------- losses

void CheckClassWeights(const std::string& place, const v1::Loss& loss, std::vector<std::string>& lines) {
  const auto& weights = loss.class_weight();
  if (weights.empty()) return;
  const auto legal = [](float weight) { return weight >= 0 && weight <= kMaxWeight; };
  const auto wrong = std::find_if_not(weights.begin(), weights.end(), legal);
  if (wrong != weights.end()) {
    lines.push_back(absl::StrCat(place, ": expected numbers in [0, 1e6], got ", *wrong));
  } else if (std::all_of(weights.begin(), weights.end(), [](float weight) { return weight == 0; })) {
    lines.push_back(absl::StrCat(place, ": expected one above 0, got none"));
  }
  if (weights.size() > kMaxClassWeights) {
    lines.push_back(absl::StrCat(place, ": expected at most ", kMaxClassWeights, " numbers, got ", weights.size()));
  }
}

// What only a softmax cross-entropy has.
void CheckOfSoftmax(const std::string& place, const v1::Loss& loss, std::vector<std::string>& lines) {
  const auto expect_none = [&](bool given, const char* field) {
    if (given) lines.push_back(absl::StrCat(place, field, ": expected kind SOFTMAX_CROSS_ENTROPY with it"));
  };
  if (loss.kind() != v1::Loss::SOFTMAX_CROSS_ENTROPY) {
    expect_none(loss.label_smoothing() != 0, "label_smoothing");
    expect_none(loss.class_weight_size() > 0, "class_weight");
    return expect_none(loss.has_ignore_index(), "ignore_index");
  }
  FieldErrors errors;
  const float smoothing = loss.label_smoothing();
  errors.Expect(smoothing >= 0 && smoothing < 1, "label_smoothing", "a number in [0, 1)", smoothing);
  AddLines(place, errors.Take(), lines);
  CheckClassWeights(absl::StrCat(place, "class_weight"), loss, lines);
}

void CheckLosses(const v1::Training& training, std::vector<std::string>& lines) {
  if (training.loss_size() > kMaxLosses) {
    lines.push_back(absl::StrCat("training.loss: expected at most ", kMaxLosses, ", got ", training.loss_size()));
    return;
  }
  std::set<std::string> outputs;
  for (int i = 0; i < training.loss_size(); ++i) {
    const v1::Loss& loss = training.loss(i);
    const std::string place = absl::StrCat("training.loss[", i, "].");
    FieldErrors errors;
    const double weight = ToOptions(loss).weight;
    errors.Expect(weight > 0 && weight <= kMaxWeight, "weight", "a number in (0, 1e6]", weight);
    AddLines(place, errors.Take(), lines);
    CheckOfSoftmax(place, loss, lines);
    if (!outputs.insert(loss.output()).second) {
      lines.push_back(absl::StrCat(place, "output: expected each output once, got ",
                                   network_format::Quoted(loss.output()), " again"));
    }
  }
}

}  // namespace

void CheckTraining(const v1::TrainJobSpec& spec, std::vector<std::string>& lines) {
  const v1::Training& training = spec.training();
  FindUnknownEnums(training, "training", lines);
  CheckNumbers(training, lines);
  AddLines("training.optimizer.", Validate(ToOptions(training.optimizer())), lines);
  CheckScheduleOf(spec, lines);
  CheckLosses(training, lines);
  if (training.has_clip()) AddRenamed("training.clip.", Validate(ToOptions(training.clip())), lines);
  if (training.has_weight_average()) {
    AddLines("training.weight_average.", Validate(ToOptions(training.weight_average())), lines);
  }
  if (training.has_early_stopping()) {
    AddLines("training.early_stopping.", Validate(ToOptions(training.early_stopping(), Goal::kMinimize)), lines);
    NeedHeldOutData(spec, "training.early_stopping", lines);
  }
  if (training.keep_best()) NeedHeldOutData(spec, "training.keep_best", lines);
}

void CheckSchedule(const v1::LearningRateSchedule& schedule, int64_t positions, std::vector<std::string>& lines) {
  // The base rate is the optimiser's, and looked at there.
  for (const std::string& line : Validate(ToOptions(schedule, 0, positions))) {
    const bool warmup = line.starts_with("warmup");
    const auto* const shape = v1::LearningRateSchedule::descriptor()->FindFieldByNumber(schedule.shape_case());
    const std::string place = warmup || shape == nullptr ? "" : absl::StrCat(shape->name(), ".");
    lines.push_back(absl::StrCat("training.schedule.", place, WithProtoName(line)));
  }
}

}  // namespace beak
