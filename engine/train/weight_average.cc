#include "engine/train/weight_average.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_join.h"
#include "engine/base/check.h"
#include "engine/base/field_errors.h"
#include "engine/base/status.h"

namespace beak {
namespace {

std::string StateName(const ParameterInfo& parameter) { return absl::StrCat(parameter.name, "/average"); }

}  // namespace

std::vector<std::string> Validate(const WeightAverageOptions& options) {
  FieldErrors errors;
  errors.Expect(options.decay >= 0 && options.decay < 1, "decay", "a number in [0, 1)", options.decay);
  return errors.Take();
}

absl::StatusOr<std::unique_ptr<WeightAverage>> WeightAverage::Create(const WeightAverageOptions& options,
                                                                     std::vector<ParameterInfo> parameters) {
  if (const std::vector<std::string> errors = Validate(options); !errors.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("weight average: ", absl::StrJoin(errors, "; ")));
  }
  std::unique_ptr<WeightAverage> average(new WeightAverage(options, std::move(parameters)));
  for (const ParameterInfo& info : average->parameters_) {
    absl::StatusOr<Tensor> zeros = FilledTensor(info.shape, 0);
    if (!zeros.ok()) return Annotate(zeros.status(), absl::StrCat("parameter '", info.name, "'"));
    average->averages_.push_back(*std::move(zeros));
  }
  return average;
}

void WeightAverage::Update(std::span<const std::span<const float>> weights) {
  BEAK_CHECK(weights.size() == averages_.size());
  ++updates_;
  const double sum = options_.correct_bias ? 1 - std::pow(options_.decay, static_cast<double>(updates_)) : 1;
  const auto share = static_cast<float>(updates_ == 1 ? 1 : (1 - options_.decay) / sum);
  for (size_t p = 0; p < weights.size(); ++p) {
    const std::span<float> average = averages_[p].mutable_values<float>();
    BEAK_CHECK(weights[p].size() == average.size());
    for (size_t i = 0; i < average.size(); ++i) average[i] += share * (weights[p][i] - average[i]);
  }
}

NamedState WeightAverage::Export() const {
  NamedState state;
  state.numbers["updates"] = static_cast<double>(updates_);
  for (size_t i = 0; i < averages_.size(); ++i) state.tensors[StateName(parameters_[i])] = CopyOf(averages_[i]);
  return state;
}

absl::Status WeightAverage::Import(const NamedState& state) {
  StateReader reader(state);
  const int64_t updates = reader.TakeCount("updates");
  std::vector<Tensor> read;
  for (const ParameterInfo& info : parameters_) read.push_back(reader.TakeTensor(StateName(info), info.shape));
  if (const absl::Status status = reader.Finish(); !status.ok()) return Annotate(status, "weight average state");
  for (size_t i = 0; i < read.size(); ++i) averages_[i] = CopyOf(read[i]);
  updates_ = updates;
  return absl::OkStatus();
}

}  // namespace beak
