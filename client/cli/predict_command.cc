#include "client/cli/predict_command.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>

#include "client/cli/class_scores.h"
#include "client/cli/predict_report.h"
#include "client/cli/tensors.h"
#include "engine/base/file.h"
#include "engine/base/status.h"
#include "engine/io/image.h"
#include "engine/io/npy.h"
#include "proto/inference/model_config.pb.h"

namespace beak::cli {
namespace {

using client::Client;
using client::ModelMetadata;
using client::PredictRequest;
using client::PredictResponse;
using client::RequestedOutput;
using client::TensorMetadata;
using client::TensorValue;

constexpr int64_t kMaxImageBytes = int64_t{256} << 20;

// The model as far as its server describes it.
struct Model {
  ModelMetadata metadata;
  inference::ModelConfig config;  // empty where the server has none to give
};

absl::StatusOr<Model> Describe(Client& client, const PredictFlags& flags) {
  Model model;
  ASSIGN_OR_RETURN(model.metadata, client.GetModelMetadata(flags.model, flags.version));
  absl::StatusOr<inference::ModelConfig> config = client.GetModelConfig(flags.model, flags.version);
  // Other servers of the protocol need not have this call.
  if (!config.ok() && config.status().code() != absl::StatusCode::kUnimplemented) return config.status();
  if (config.ok()) model.config = *std::move(config);
  return model;
}

// The one input that no file was given for.
absl::StatusOr<TensorMetadata> PictureInput(const Model& model, const std::vector<TensorValue>& given) {
  std::vector<TensorMetadata> open;
  for (const TensorMetadata& input : model.metadata.inputs) {
    const auto same_name = [&](const TensorValue& value) { return value.name() == input.name; };
    if (std::none_of(given.begin(), given.end(), same_name)) open.push_back(input);
  }
  if (open.size() == 1) return open[0];
  return absl::InvalidArgumentError(
      absl::StrCat("--image: expected one input of the model without an --input, got ", open.size()));
}

absl::StatusOr<ImagePlan> PlanFor(const Model& model, const TensorMetadata& metadata, const PredictFlags& flags) {
  ImageInput input = {metadata, model.config.max_batch_size(), ""};
  for (const inference::ModelInput& declared : model.config.input()) {
    if (declared.name() != metadata.name) continue;
    if (declared.format() == inference::ModelInput::FORMAT_NHWC) input.layout = "NHWC";
    if (declared.format() == inference::ModelInput::FORMAT_NCHW) input.layout = "NCHW";
  }
  ImageParameters parameters = flags.image_parameters;
  for (const auto& [name, parameter] : model.config.parameters()) {
    if (IsImageParameter(name)) parameters.emplace(name, parameter.string_value());
  }
  return PlanImages(input, parameters);
}

absl::StatusOr<Tensor> ReadImage(const std::string& path, const ImagePlan& plan) {
  ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kMaxImageBytes));
  const absl::StatusOr<Raster> raster = DecodeImage(bytes);
  if (!raster.ok()) return Annotate(raster.status(), path);
  const absl::StatusOr<Tensor> tensor = FitImage(*raster, plan.fit);
  if (!tensor.ok()) return Annotate(tensor.status(), path);
  return tensor->Reshaped(plan.item_shape);
}

// A request, and the pictures in it.
struct Work {
  PredictRequest request;
  std::vector<std::string> files;
};

absl::StatusOr<std::vector<Work>> PictureWork(const Model& model, const PredictFlags& flags,
                                              const PredictRequest& common) {
  ASSIGN_OR_RETURN(const TensorMetadata input, PictureInput(model, common.inputs));
  ASSIGN_OR_RETURN(const ImagePlan plan, PlanFor(model, input, flags));
  ASSIGN_OR_RETURN(const std::vector<int64_t> sizes,
                   SplitIntoRequests(plan, static_cast<int64_t>(flags.images.size())));
  std::vector<Work> all;
  auto next = flags.images.begin();
  for (const int64_t size : sizes) {
    Work& work = all.emplace_back(Work{common, {next, next + size}});
    next += size;
    std::vector<Tensor> rows;
    for (const std::string& file : work.files) {
      ASSIGN_OR_RETURN(rows.emplace_back(), ReadImage(file, plan));
    }
    Tensor batch = rows[0];
    if (plan.has_batch) {
      ASSIGN_OR_RETURN(batch, Stack(rows));
    }
    ASSIGN_OR_RETURN(work.request.inputs.emplace_back(), ToTensorValue(input.name, batch));
  }
  return all;
}

bool HasLabels(const Model& model, const std::string& output) {
  return std::any_of(model.config.output().begin(), model.config.output().end(),
                     [&](const auto& row) { return row.name() == output && !row.label_filename().empty(); });
}

// All outputs, those that look like class scores as their best classes, unless they are to be written to a file.
std::vector<RequestedOutput> ChooseOutputs(const Model& model, const PredictFlags& flags,
                                           const std::map<std::string, std::string>& files) {
  std::vector<RequestedOutput> outputs;
  for (const TensorMetadata& output : model.metadata.outputs) {
    RequestedOutput& wanted = outputs.emplace_back(RequestedOutput{output.name, 0});
    if (flags.top <= 0 || files.count(output.name) > 0) continue;
    const int64_t classes = CountClasses(output, model.config.max_batch_size());
    if (classes > 0) wanted.classification = std::min(flags.top, classes);
    if (classes == 0 && HasLabels(model, output.name)) wanted.classification = flags.top;
  }
  return outputs;
}

absl::StatusOr<OutputReport> ReportOutput(const TensorValue& value, const PredictRequest& request) {
  OutputReport report;
  report.name = value.name();
  const bool classified = std::any_of(request.outputs.begin(), request.outputs.end(), [&](const auto& output) {
    return output.name == value.name() && output.classification > 0;
  });
  if (classified) {
    ASSIGN_OR_RETURN(report.classes, ParseClasses(value));
  } else if (value.datatype() == wire::Datatype::kBytes) {
    ASSIGN_OR_RETURN(report.strings, value.Strings());
  } else {
    ASSIGN_OR_RETURN(report.tensor, ToTensor(value));
  }
  return report;
}

absl::Status WriteOutput(const std::string& path, OutputReport& report) {
  if (!report.tensor) return absl::InvalidArgumentError(absl::StrCat("--output: '", report.name, "' has no numbers"));
  RETURN_IF_ERROR(WriteFileAtomically(path, FormatNpy(*report.tensor)));
  report.written_to = path;
  return absl::OkStatus();
}

absl::StatusOr<RequestReport> Run(Client& client, const Work& work,
                                  const std::map<std::string, std::string>& output_files) {
  const auto begin = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(const PredictResponse response, client.Predict(work.request));
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
  RequestReport report = {work.files, response.version, time.count(), {}};
  for (const TensorValue& value : response.outputs) {
    ASSIGN_OR_RETURN(OutputReport output, ReportOutput(value, work.request));
    const auto file = output_files.find(value.name());
    if (file != output_files.end()) RETURN_IF_ERROR(WriteOutput(file->second, output));
    report.outputs.push_back(std::move(output));
  }
  return report;
}

absl::StatusOr<std::map<std::string, std::string>> OutputFiles(const Model& model, const PredictFlags& flags) {
  std::map<std::string, std::string> files;
  for (const std::string& assignment : flags.outputs) {
    const auto parts = SplitAssignment(assignment);
    if (!parts) return absl::InvalidArgumentError("--output: expected NAME=FILE.npy");
    const auto& outputs = model.metadata.outputs;
    if (std::none_of(outputs.begin(), outputs.end(), [&](const auto& row) { return row.name == parts->first; })) {
      return absl::InvalidArgumentError(absl::StrCat("--output: the model has no output '", parts->first, "'"));
    }
    files.insert(*parts);
  }
  return files;
}

absl::StatusOr<std::vector<Work>> PlanWork(const Model& model, const PredictFlags& flags,
                                           const std::map<std::string, std::string>& output_files) {
  PredictRequest request;
  request.model = flags.model;
  request.version = flags.version;
  ASSIGN_OR_RETURN(request.inputs, ReadNpyInputs(flags.inputs));
  request.outputs = ChooseOutputs(model, flags, output_files);
  std::vector<Work> all = {{request, {}}};
  if (!flags.images.empty()) {
    ASSIGN_OR_RETURN(all, PictureWork(model, flags, request));
  }
  if (all.size() > 1 && !output_files.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--output: expected pictures that fit one request, got ", all.size(), " requests"));
  }
  return all;
}

}  // namespace

absl::StatusOr<std::string> Predict(const PredictFlags& flags) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Client> client, flags.connection.Connect());
  ASSIGN_OR_RETURN(const Model model, Describe(*client, flags));
  ASSIGN_OR_RETURN(const auto output_files, OutputFiles(model, flags));
  ASSIGN_OR_RETURN(const std::vector<Work> all, PlanWork(model, flags, output_files));
  PredictReport report = {flags.model, {}};
  for (const Work& work : all) {
    ASSIGN_OR_RETURN(report.requests.emplace_back(), Run(*client, work, output_files));
  }
  return flags.json ? ToJson(report) : ToText(report);
}

}  // namespace beak::cli
