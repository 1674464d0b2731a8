#include "server/models/load.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "proto/inference/model_config.pb.h"
#include "server/models/datatypes.h"
#include "server/models/ensemble.h"
#include "server/models/golden.h"
#include "server/models/model_warmup.h"
#include "server/models/repository.h"
#include "server/models/serving_options.h"
#include "server/models/warm_up.h"

namespace beak {
namespace {

absl::Status LoadLabels(const inference::ModelConfig& config, const std::string& folder, Signature* signature) {
  for (int i = 0; i < config.output_size(); ++i) {
    const std::string& file = config.output(i).label_filename();
    if (file.empty()) continue;
    const std::string place = absl::StrCat("output '", config.output(i).name(), "': label_filename");
    if (file.find('/') != std::string::npos || folder.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(place, ": expected the name of a file in the model's folder, got '", file, "'"));
    }
    absl::StatusOr<std::vector<std::string>> labels = ReadLabels(absl::StrCat(folder, "/", file));
    if (!labels.ok()) return Annotate(labels.status(), place);
    signature->outputs[static_cast<size_t>(i)].labels = *std::move(labels);
  }
  return absl::OkStatus();
}

// The shapes of one row of the network's inputs; nullopt where a dimension is free.
std::optional<std::vector<Shape>> RowShapes(const Signature& signature) {
  std::vector<Shape> shapes;
  for (const TensorSignature& input : signature.inputs) {
    const Shape& shape = input.network_dims;
    if (std::find(shape.begin(), shape.end(), kFreeDim) != shape.end()) return std::nullopt;
    shapes.push_back(shape);
  }
  return shapes;
}

// Makes ready whatever the version can be asked for that is known already.
absl::Status WarmUpVersion(const ModelVersion& version, int lanes, const CancelToken* stop) {
  const std::optional<std::vector<Shape>> shapes = RowShapes(version.signature());
  if (!shapes) return absl::OkStatus();
  WarmUpOptions options = WarmUpOptionsFor(version, lanes);
  options.stop = stop;
  return Annotate(WarmUp(*version.Programs(*shapes), options), "warm-up with zeros");
}

absl::StatusOr<std::shared_ptr<const ModelVersion>> MakeVersion(const VersionSource& source, const ConfigFile& file,
                                                                const std::shared_ptr<Model>& network, int lanes,
                                                                Metrics& metrics, const CancelToken* stop) {
  ModelVersion::Parts parts;
  absl::StatusOr<std::shared_ptr<const inference::ModelConfig>> config =
      CompleteConfig(file, source.model, network->inputs(), network->outputs());
  if (!config.ok()) return Annotate(config.status(), "configuration");
  parts.config = *std::move(config);
  absl::StatusOr<ServingOptions> options = MakeServingOptions(*parts.config);
  if (!options.ok()) return Annotate(options.status(), "configuration");
  parts.options = *std::move(options);
  parts.signature = MakeSignature(*parts.config, network->inputs(), network->outputs());
  RETURN_IF_ERROR(LoadLabels(*parts.config, source.label_folder, &parts.signature));
  parts.model = source.model;
  parts.version = source.version;
  parts.file = source.file;
  parts.network = network;
  parts.observer = metrics.ObserveVersion(source.model, source.version);
  parts.lanes = lanes;
  auto version = std::make_shared<const ModelVersion>(std::move(parts));
  RETURN_IF_ERROR(WarmUpVersion(*version, lanes, stop));
  RETURN_IF_ERROR(RunModelWarmup(version->config(), version->signature(), source.label_folder, *network, stop));
  return version;
}

// REQUIRES: CompleteEnsembleConfig has seen them.
template <typename ConfigTensors>
std::vector<TensorSignature> EnsembleTensors(const ConfigTensors& tensors) {
  std::vector<TensorSignature> signatures;
  for (const auto& tensor : tensors) {
    const std::vector<int64_t> dims(tensor.dims().begin(), tensor.dims().end());
    const DType dtype = *DTypeFromProtocol(static_cast<int>(tensor.data_type()));
    signatures.push_back({tensor.name(), dtype, dims, dims, static_cast<int>(signatures.size()), {}});
  }
  return signatures;
}

absl::StatusOr<std::shared_ptr<const ModelVersion>> MakeEnsembleVersion(const VersionSource& source,
                                                                        std::shared_ptr<const Ensemble> ensemble,
                                                                        Metrics& metrics) {
  const MonotonicTime begin = Clock::Real().Now();
  ModelVersion::Parts parts;
  absl::StatusOr<std::shared_ptr<const inference::ModelConfig>> config =
      CompleteEnsembleConfig(source.config, source.model);
  if (!config.ok()) return Annotate(config.status(), "configuration");
  parts.config = *std::move(config);
  absl::StatusOr<ServingOptions> options = MakeServingOptions(*parts.config);
  if (!options.ok()) return Annotate(options.status(), "configuration");
  parts.options = *std::move(options);
  parts.signature.max_batch_size = parts.config->max_batch_size();
  parts.signature.inputs = EnsembleTensors(parts.config->input());
  parts.signature.outputs = EnsembleTensors(parts.config->output());
  RETURN_IF_ERROR(LoadLabels(*parts.config, source.label_folder, &parts.signature));
  parts.model = source.model;
  parts.version = source.version;
  parts.ensemble = std::move(ensemble);
  parts.observer = metrics.ObserveVersion(source.model, source.version);
  auto version = std::make_shared<const ModelVersion>(std::move(parts));
  version->observer().SetLoadTime(Clock::Real().Now() - begin);
  return version;
}

ConfigFile Unbatched(const ConfigFile& file) {
  auto config = std::make_shared<inference::ModelConfig>(*file.config);
  config->set_max_batch_size(0);
  return {std::move(config), true};
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ModelVersion>> LoadVersion(const VersionSource& source, int lanes,
                                                                Metrics& metrics, const CancelToken* stop) {
  const MonotonicTime begin = Clock::Real().Now();
  RETURN_IF_ERROR(Annotate(CheckSupported(*source.config.config), "configuration"));
  absl::StatusOr<std::shared_ptr<const Ensemble>> ensemble = MakeEnsemble(*source.config.config);
  if (!ensemble.ok()) return Annotate(ensemble.status(), "configuration");
  if (*ensemble) return MakeEnsembleVersion(source, *std::move(ensemble), metrics);
  ASSIGN_OR_RETURN(const std::shared_ptr<Model> network, Model::Load(source.file));
  auto version = MakeVersion(source, source.config, network, lanes, metrics, stop);
  // That the model is batched was our guess: it was wrong.
  if (absl::IsFailedPrecondition(version.status()) && !source.config.has_max_batch_size) {
    auto unbatched = MakeVersion(source, Unbatched(source.config), network, lanes, metrics, stop);
    if (unbatched.ok()) {
      LogWarning(
          "model is served unbatched",
          {{"model", source.model}, {"version", source.version}, {"reason", std::string(version.status().message())}});
      version = std::move(unbatched);
    }
  }
  RETURN_IF_ERROR(version.status());
  RETURN_IF_ERROR(CheckGoldenSamples(source.folder, *network, stop));
  (*version)->observer().SetLoadTime(Clock::Real().Now() - begin);
  return version;
}

}  // namespace beak
