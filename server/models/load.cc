#include "server/models/load.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/clock.h"
#include "engine/base/status.h"
#include "proto/inference/model_config.pb.h"
#include "server/models/golden.h"
#include "server/models/model_warmup.h"
#include "server/models/repository.h"

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

// The network's input shapes for one row; empty where a dimension is free.
std::vector<Shape> OneRow(const Signature& signature) {
  std::vector<Shape> shapes;
  for (const TensorSignature& input : signature.inputs) {
    Shape shape = input.network_dims;
    if (std::find(shape.begin(), shape.end(), kFreeDim) != shape.end()) return {};
    if (signature.batched()) shape.insert(shape.begin(), 1);
    shapes.push_back(std::move(shape));
  }
  return shapes;
}

// Compiles for one row and runs it once. The workspace is not kept: a model that nobody asks costs its weights alone.
absl::Status WarmUp(const Signature& signature, Model& network) {
  const std::vector<Shape> shapes = OneRow(signature);
  if (shapes.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::shared_ptr<const Program> program, network.GetProgram(shapes, 1));
  const std::unique_ptr<Workspace> workspace = program->CreateWorkspace();
  for (size_t i = 0; i < shapes.size(); ++i) {
    const std::span<std::byte> input = workspace->input(static_cast<int>(i));
    std::fill(input.begin(), input.end(), std::byte{0});
  }
  return Annotate(program->Run(*workspace), "warm-up with zeros");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ModelVersion>> LoadVersion(const VersionSource& source, int max_idle_workspaces,
                                                                Metrics& metrics) {
  const MonotonicTime begin = Clock::Real().Now();
  RETURN_IF_ERROR(Annotate(CheckSupported(*source.config.config), "configuration"));
  ModelVersion::Parts parts;
  ASSIGN_OR_RETURN(parts.network, Model::Load(source.file));
  absl::StatusOr<std::shared_ptr<const inference::ModelConfig>> config =
      CompleteConfig(source.config, source.model, parts.network->inputs(), parts.network->outputs());
  if (!config.ok()) return Annotate(config.status(), "configuration");
  parts.config = *std::move(config);
  parts.signature = MakeSignature(*parts.config, parts.network->inputs(), parts.network->outputs());
  RETURN_IF_ERROR(LoadLabels(*parts.config, source.label_folder, &parts.signature));
  RETURN_IF_ERROR(WarmUp(parts.signature, *parts.network));
  RETURN_IF_ERROR(RunModelWarmup(*parts.config, parts.signature, source.label_folder, *parts.network));
  RETURN_IF_ERROR(CheckGoldenSamples(source.folder, *parts.network));
  parts.model = source.model;
  parts.version = source.version;
  parts.observer = metrics.ObserveVersion(source.model, source.version);
  parts.max_idle_workspaces = max_idle_workspaces;
  const auto version = std::make_shared<const ModelVersion>(std::move(parts));
  version->observer().SetLoadTime(Clock::Real().Now() - begin);
  return version;
}

}  // namespace beak
