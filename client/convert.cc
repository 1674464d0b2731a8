#include "client/convert.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/inference/open_inference.pb.h"
#include "proto/wire/tensor_codec.h"

namespace beak::client {
namespace {

template <typename Items, typename NameOf>
absl::Status CheckNamesDiffer(const char* what, const Items& items, NameOf name_of) {
  std::set<std::string> names;
  for (const auto& item : items) {
    if (!names.insert(name_of(item)).second) {
      return absl::InvalidArgumentError(absl::StrCat(what, " '", name_of(item), "': expected once, got twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRequest(const PredictRequest& request) {
  if (request.model.empty()) return absl::InvalidArgumentError("predict: expected the name of a model");
  const auto input_name = [](const TensorValue& input) { return input.name(); };
  const auto output_name = [](const RequestedOutput& output) { return output.name; };
  if (absl::Status status = CheckNamesDiffer("input", request.inputs, input_name); !status.ok()) return status;
  return CheckNamesDiffer("output", request.outputs, output_name);
}

template <typename Proto>
TensorMetadata ToTensorMetadata(const Proto& tensor) {
  return {tensor.name(), tensor.datatype(), {tensor.shape().begin(), tensor.shape().end()}};
}

DurationCount ToDurationCount(const inference::StatisticDuration& duration) {
  return {duration.count(), std::chrono::nanoseconds(duration.ns())};
}

ModelStatistics ToModelStatistics(const inference::ModelStatistics& proto) {
  const inference::InferStatistics& times = proto.inference_stats();
  ModelStatistics statistics;
  statistics.name = proto.name();
  statistics.version = proto.version();
  statistics.last_inference =
      std::chrono::system_clock::time_point(std::chrono::milliseconds(static_cast<int64_t>(proto.last_inference())));
  statistics.inference_count = proto.inference_count();
  statistics.execution_count = proto.execution_count();
  statistics.success = ToDurationCount(times.success());
  statistics.fail = ToDurationCount(times.fail());
  statistics.queue = ToDurationCount(times.queue());
  statistics.compute_input = ToDurationCount(times.compute_input());
  statistics.compute_infer = ToDurationCount(times.compute_infer());
  statistics.compute_output = ToDurationCount(times.compute_output());
  statistics.cache_hit = ToDurationCount(times.cache_hit());
  statistics.cache_miss = ToDurationCount(times.cache_miss());
  for (const inference::InferBatchStatistics& batch : proto.batch_stats()) {
    statistics.batches.push_back({batch.batch_size(), ToDurationCount(batch.compute_input()),
                                  ToDurationCount(batch.compute_infer()), ToDurationCount(batch.compute_output())});
  }
  return statistics;
}

}  // namespace

absl::StatusOr<inference::ModelInferRequest> ToProto(PredictRequest request) {
  if (absl::Status status = CheckRequest(request); !status.ok()) return status;
  inference::ModelInferRequest proto;
  proto.set_model_name(std::move(request.model));
  proto.set_model_version(std::move(request.version));
  proto.set_id(std::move(request.id));
  for (TensorValue& input : request.inputs) {
    std::string* raw = wire::AddInput(input.name(), input.datatype(), input.shape(), &proto);
    *raw = std::move(input).ReleaseBytes();
  }
  for (const RequestedOutput& output : request.outputs) {
    auto* wanted = proto.add_outputs();
    wanted->set_name(output.name);
    if (output.classification > 0) {
      (*wanted->mutable_parameters())["classification"].set_int64_param(output.classification);
    }
  }
  if (request.priority > 0) (*proto.mutable_parameters())["priority"].set_uint64_param(request.priority);
  if (request.timeout) (*proto.mutable_parameters())["timeout"].set_int64_param(request.timeout->count());
  return proto;
}

absl::StatusOr<PredictResponse> FromProto(const inference::ModelInferResponse& response) {
  absl::StatusOr<std::vector<wire::TensorView>> views = wire::DecodeOutputs(response);
  if (!views.ok()) return views.status();
  PredictResponse result = {response.model_name(), response.model_version(), response.id(), {}};
  for (int i = 0; i < response.outputs_size(); ++i) {
    wire::TensorView& view = (*views)[static_cast<size_t>(i)];
    absl::StatusOr<TensorValue> value = TensorValue::FromBytes(response.outputs(i).name(), view.datatype,
                                                               std::move(view.shape), std::string(view.bytes));
    if (!value.ok()) return absl::InternalError(absl::StrCat("response: ", value.status().message()));
    result.outputs.push_back(*std::move(value));
  }
  return result;
}

ServerMetadata FromProto(const inference::ServerMetadataResponse& response) {
  return {response.name(), response.version(), {response.extensions().begin(), response.extensions().end()}};
}

ModelMetadata FromProto(const inference::ModelMetadataResponse& response) {
  ModelMetadata metadata = {
      response.name(), {response.versions().begin(), response.versions().end()}, response.platform(), {}, {}};
  for (const auto& input : response.inputs()) metadata.inputs.push_back(ToTensorMetadata(input));
  for (const auto& output : response.outputs()) metadata.outputs.push_back(ToTensorMetadata(output));
  return metadata;
}

std::vector<ModelIndex> FromProto(const inference::RepositoryIndexResponse& response) {
  std::vector<ModelIndex> models;
  for (const auto& model : response.models()) {
    models.push_back({model.name(), model.version(), model.state(), model.reason()});
  }
  return models;
}

std::vector<ModelStatistics> FromProto(const inference::ModelStatisticsResponse& response) {
  std::vector<ModelStatistics> statistics;
  for (const auto& model : response.model_stats()) statistics.push_back(ToModelStatistics(model));
  return statistics;
}

const TensorValue* PredictResponse::Find(const std::string& name) const {
  for (const TensorValue& output : outputs) {
    if (output.name() == name) return &output;
  }
  return nullptr;
}

}  // namespace beak::client
