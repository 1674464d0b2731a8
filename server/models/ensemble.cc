#include "server/models/ensemble.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "proto/inference/model_config.pb.h"

namespace beak {
namespace {

using inference::ModelConfig;

std::string VersionText(int64_t version) { return version > 0 ? absl::StrCat(version) : ""; }

std::string Place(const Ensemble& ensemble, size_t step) {
  return absl::StrCat(ensemble.average ? "averaging.member " : "ensemble_scheduling.step ", step + 1, " (model '",
                      ensemble.steps[step].model, "')");
}

// Sorted, for maps of messages have no order of their own.
std::vector<std::pair<std::string, std::string>> Pairs(const google::protobuf::Map<std::string, std::string>& map) {
  std::vector<std::pair<std::string, std::string>> pairs(map.begin(), map.end());
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

// Each tensor is made once: by the client or by a step.
absl::Status CheckMakers(const ModelConfig& config, const Ensemble& ensemble) {
  std::set<std::string> made;
  for (const auto& input : config.input()) made.insert(input.name());
  for (size_t i = 0; i < ensemble.steps.size(); ++i) {
    for (const auto& [name, tensor] : ensemble.steps[i].outputs) {
      if (made.insert(tensor).second) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(Place(ensemble, i), ": output_map: expected a new tensor, got '", tensor, "' again"));
    }
  }
  for (const auto& output : config.output()) {
    if (made.count(output.name()) > 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("output '", output.name(), "': expected a tensor that a step gives, got none of this name"));
  }
  return absl::OkStatus();
}

// Runs the pipeline without running anything: every step must get its turn.
absl::Status CheckOrder(const ModelConfig& config, const Ensemble& ensemble) {
  std::set<std::string> there;
  for (const auto& input : config.input()) there.insert(input.name());
  std::vector<bool> done(ensemble.steps.size());
  for (bool progress = true; progress;) {
    progress = false;
    for (size_t i = 0; i < done.size(); ++i) {
      const Ensemble::Step& step = ensemble.steps[i];
      const bool ready = std::all_of(step.inputs.begin(), step.inputs.end(),
                                     [&](const auto& input) { return there.count(input.second) > 0; });
      if (done[i] || !ready) continue;
      done[i] = progress = true;
      for (const auto& [name, tensor] : step.outputs) there.insert(tensor);
    }
  }
  const auto stuck = std::find(done.begin(), done.end(), false);
  if (stuck == done.end()) return absl::OkStatus();
  const auto step = static_cast<size_t>(stuck - done.begin());
  for (const auto& [name, tensor] : ensemble.steps[step].inputs) {
    if (there.count(tensor) > 0) continue;
    return absl::InvalidArgumentError(absl::StrCat(Place(ensemble, step), ": input_map: tensor '", tensor,
                                                   "' is given by no input and no step before it"));
  }
  return absl::OkStatus();
}

absl::Status TakePipeline(const ModelConfig& config, Ensemble* ensemble) {
  for (const auto& step : config.ensemble_scheduling().step()) {
    ensemble->steps.push_back(
        {step.model_name(), VersionText(step.model_version()), Pairs(step.input_map()), Pairs(step.output_map()), 1});
    const std::string place = Place(*ensemble, ensemble->steps.size() - 1);
    if (step.model_name().empty()) return absl::InvalidArgumentError(absl::StrCat(place, ": expected a model_name"));
    if (!step.model_namespace().empty()) return absl::UnimplementedError(absl::StrCat(place, ": model_namespace"));
    if (step.output_map().empty()) return absl::InvalidArgumentError(absl::StrCat(place, ": expected an output_map"));
  }
  if (ensemble->steps.empty()) return absl::InvalidArgumentError("ensemble_scheduling: expected a step, got none");
  RETURN_IF_ERROR(CheckMakers(config, *ensemble));
  return CheckOrder(config, *ensemble);
}

absl::Status TakeAverage(const ModelConfig& config, Ensemble* ensemble) {
  ensemble->average = true;
  double sum = 0;
  for (const auto& member : config.beak().averaging().member()) {
    Ensemble::Step step{
        member.model_name(), VersionText(member.model_version()), {}, {}, member.weight() == 0 ? 1 : member.weight()};
    for (const auto& input : config.input()) step.inputs.emplace_back(input.name(), input.name());
    for (const auto& output : config.output()) step.outputs.emplace_back(output.name(), output.name());
    ensemble->steps.push_back(std::move(step));
    const std::string place = Place(*ensemble, ensemble->steps.size() - 1);
    if (member.model_name().empty()) return absl::InvalidArgumentError(absl::StrCat(place, ": expected a model_name"));
    if (!std::isfinite(member.weight()) || member.weight() < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat(place, ": weight: expected a number above 0, got ", member.weight()));
    }
    sum += ensemble->steps.back().weight;
  }
  if (ensemble->steps.empty()) return absl::InvalidArgumentError("averaging: expected a member, got none");
  if (!std::isfinite(sum)) return absl::InvalidArgumentError("averaging: expected weights that add up to a number");
  for (Ensemble::Step& step : ensemble->steps) step.weight /= sum;
  return absl::OkStatus();
}

}  // namespace

bool DescribesEnsemble(const ModelConfig& config) {
  return config.has_ensemble_scheduling() || config.beak().has_averaging();
}

absl::StatusOr<std::shared_ptr<const Ensemble>> MakeEnsemble(const ModelConfig& config) {
  if (!DescribesEnsemble(config)) return nullptr;
  const bool average = config.beak().has_averaging();
  if (average && config.has_ensemble_scheduling()) {
    return absl::InvalidArgumentError("expected ensemble_scheduling or averaging, got both");
  }
  if (config.input().empty() || config.output().empty()) {
    return absl::InvalidArgumentError("an ensemble: expected inputs and outputs, for no network tells them");
  }
  auto ensemble = std::make_shared<Ensemble>();
  RETURN_IF_ERROR(average ? TakeAverage(config, ensemble.get()) : TakePipeline(config, ensemble.get()));
  return ensemble;
}

}  // namespace beak
