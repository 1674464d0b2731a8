#include "server/frontend/convert.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "proto/inference/open_inference.pb.h"
#include "server/models/datatypes.h"

namespace beak {
namespace {

using inference::InferParameter;

using Parameters = google::protobuf::Map<std::string, InferParameter>;

// A parameter that is a whole number, of whichever sign its field has; nullopt where it is anything else.
std::optional<int64_t> WholeNumber(const InferParameter& parameter) {
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (parameter.has_int64_param()) return parameter.int64_param();
  if (parameter.has_uint64_param()) return static_cast<int64_t>(std::min(parameter.uint64_param(), kMax));
  return std::nullopt;
}

absl::StatusOr<uint64_t> Priority(const InferParameter& parameter) {
  if (parameter.has_uint64_param()) return parameter.uint64_param();
  if (parameter.has_int64_param() && parameter.int64_param() >= 0) {
    return static_cast<uint64_t>(parameter.int64_param());
  }
  return absl::InvalidArgumentError("parameter 'priority': expected a whole number, at least 0");
}

absl::Status TakeTimeout(const InferParameter& parameter, PredictRequest* request) {
  const std::optional<int64_t> microseconds = WholeNumber(parameter);
  if (!microseconds || *microseconds < 0) {
    return absl::InvalidArgumentError("parameter 'timeout': expected a whole number of microseconds, at least 0");
  }
  // 0 is how the protocol says "none". Compared in microseconds, for a limit may be more than nanoseconds can count.
  const std::chrono::microseconds limit(*microseconds);
  const auto left = std::chrono::duration_cast<std::chrono::microseconds>(request->deadline - request->received);
  if (limit.count() > 0 && limit < left) request->deadline = request->received + limit;
  return absl::OkStatus();
}

// Takes what concerns us from the request's parameters; those of clients and models themselves pass unseen, and so do
// those of sequences, which no model here has.
absl::Status TakeParameters(const Parameters& parameters, PredictRequest* request) {
  for (const auto& [name, parameter] : parameters) {
    if (absl::StartsWith(name, "triton_") && name != "triton_enable_empty_final_response") {
      return absl::InvalidArgumentError(
          absl::StrCat("parameter '", name, "': expected no reserved name but triton_enable_empty_final_response"));
    }
  }
  if (const auto priority = parameters.find("priority"); priority != parameters.end()) {
    ASSIGN_OR_RETURN(request->priority, Priority(priority->second));
  }
  const auto timeout = parameters.find("timeout");
  return timeout == parameters.end() ? absl::OkStatus() : TakeTimeout(timeout->second, request);
}

absl::Status TakeInputs(const inference::ModelInferRequest& message, std::vector<wire::TensorView>* views,
                        PredictRequest* request) {
  ASSIGN_OR_RETURN(*views, wire::DecodeInputs(message));
  request->inputs.reserve(views->size());
  for (size_t i = 0; i < views->size(); ++i) {
    wire::TensorView& view = (*views)[i];
    request->inputs.push_back({message.inputs(static_cast<int>(i)).name(),
                               DTypeFromProtocol(static_cast<int>(view.datatype)), std::move(view.shape),
                               std::as_bytes(std::span(view.bytes))});
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> Classes(const Parameters& parameters) {
  const auto classification = parameters.find("classification");
  if (classification == parameters.end()) return 0;
  const std::optional<int64_t> classes = WholeNumber(classification->second);
  if (classes && *classes > 0) return *classes;
  return absl::InvalidArgumentError("parameter 'classification': expected a number of classes, at least 1");
}

absl::Status TakeOutputs(const inference::ModelInferRequest& message, PredictRequest* request) {
  for (const auto& output : message.outputs()) {
    const std::string place = absl::StrCat("output '", output.name(), "'");
    if (output.parameters().contains("shared_memory_region")) {
      return absl::UnimplementedError(
          absl::StrCat(place, ": expected to answer in the message, got a shared_memory_region"));
    }
    absl::StatusOr<int64_t> classes = Classes(output.parameters());
    if (!classes.ok()) return Annotate(classes.status(), place);
    request->outputs.push_back({output.name(), *classes});
  }
  return absl::OkStatus();
}

absl::Status Decode(const inference::ModelInferRequest& message, std::vector<wire::TensorView>* views,
                    PredictRequest* request) {
  RETURN_IF_ERROR(TakeParameters(message.parameters(), request));
  RETURN_IF_ERROR(TakeInputs(message, views, request));
  return TakeOutputs(message, request);
}

}  // namespace

PredictRequest ToPredictRequest(const inference::ModelInferRequest& message, MonotonicTime received,
                                MonotonicTime deadline, std::vector<wire::TensorView>* views) {
  PredictRequest request;
  request.model = message.model_name();
  request.version = message.model_version();
  request.received = received;
  request.deadline = deadline;
  request.id = message.id();
  request.decoded = Decode(message, views, &request);
  return request;
}

absl::Status ToMessage(PredictResponse response, const std::string& id, inference::ModelInferResponse* message) {
  message->set_model_name(std::move(response.model));
  message->set_model_version(absl::StrCat(response.version));
  message->set_id(id);
  for (OutputTensor& output : response.outputs) {
    if (output.dtype) {
      const auto datatype = static_cast<wire::Datatype>(ToProtocol(*output.dtype));
      *wire::AddOutput(output.name, datatype, output.shape, message) = std::move(output.data);
      continue;
    }
    ASSIGN_OR_RETURN(std::string bytes, wire::EncodeBytes(output.strings));
    *wire::AddOutput(output.name, wire::Datatype::kBytes, output.shape, message) = std::move(bytes);
  }
  return absl::OkStatus();
}

absl::Status ToStreamMessage(absl::StatusOr<PredictResponse> answer, const inference::ModelInferRequest& request,
                             inference::ModelStreamInferResponse* message) {
  inference::ModelInferResponse& response = *message->mutable_infer_response();
  const absl::Status status = answer.ok() ? ToMessage(*std::move(answer), request.id(), &response) : answer.status();
  if (!status.ok()) {
    response.Clear();
    response.set_id(request.id());
    response.set_model_name(request.model_name());
    response.set_model_version(request.model_version());
    // An empty text would say that there is no error.
    const bool silent = status.message().empty();
    message->set_error_message(silent ? absl::StatusCodeToString(status.code()) : std::string(status.message()));
  }
  // No model here answers a request more than once.
  (*response.mutable_parameters())["triton_final_response"].set_bool_param(true);
  return status;
}

}  // namespace beak
