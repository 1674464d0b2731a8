#include "server/http/rest_service.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "proto/inference/open_inference.pb.h"
#include "proto/wire/tensor_codec.h"
#include "server/frontend/convert.h"
#include "server/http/answer.h"
#include "server/http/content_coding.h"
#include "server/http/infer_request.h"
#include "server/http/infer_response.h"
#include "server/http/message_json.h"
#include "server/http/raw_request.h"
#include "server/http/route.h"
#include "server/http/status.h"
#include "server/observe/trace_context.h"

namespace beak {
namespace {

using Exchange = std::shared_ptr<HttpExchange>;
using Json = nlohmann::json;

void Answer(const Exchange& exchange, const absl::Status& error) { Answer(exchange, ToHttp(error)); }

// A request whose body could not be read: HTTP has a number of its own for one that is too large.
void AnswerUnread(const Exchange& exchange, const absl::Status& error) {
  HttpResponse response = ToHttp(error);
  if (absl::IsResourceExhausted(error)) response.status = 413;
  Answer(exchange, std::move(response));
}

// A message, or why there is none.
template <typename Response>
void Answer(const Exchange& exchange, const absl::Status& status, const Response& response) {
  Answer(exchange, status.ok() ? JsonResponse(ToJson(response)) : ToHttp(status));
}

// The protocol answers questions of health by the status of HTTP.
HttpResponse Health(const Json& body, bool good) { return JsonResponse(body.dump(), good ? 200 : 400); }

absl::StatusOr<std::string> DecodedBody(HttpExchange& exchange, int64_t max_bytes) {
  const std::string_view name = exchange.request().Header("content-encoding");
  const std::optional<ContentCoding> coding = ParseContentCoding(name);
  if (!coding) {
    return absl::InvalidArgumentError("header Content-Encoding: expected gzip, deflate or identity");
  }
  if (*coding == ContentCoding::kIdentity) return exchange.TakeBody();
  return Decode(*coding, exchange.TakeBody(), max_bytes);
}

// ---------------------------------------------------------------- infer

// A request that is under way.
struct Infer {
  Exchange exchange;
  InferBody body;
  std::vector<wire::TensorView> views;
};

// How many bytes of the body are JSON: all where the header does not say.
absl::StatusOr<size_t> JsonBytes(const HttpRequest& request, size_t body_bytes) {
  const std::string_view header = request.Header("inference-header-content-length");
  if (header.empty()) return body_bytes;
  uint64_t bytes = 0;
  if (!absl::SimpleAtoi(absl::string_view(header.data(), header.size()), &bytes) || bytes > body_bytes) {
    return absl::InvalidArgumentError(absl::StrCat("header Inference-Header-Content-Length: expected at most the ",
                                                   body_bytes, " bytes of the body, got '",
                                                   absl::string_view(header.data(), header.size()), "'"));
  }
  return bytes;
}

absl::StatusOr<InferBody> ReadInfer(const Operations& operations, const Route& route, HttpExchange& exchange,
                                    int64_t max_body_bytes) {
  ASSIGN_OR_RETURN(std::string body, DecodedBody(exchange, max_body_bytes));
  ASSIGN_OR_RETURN(const size_t json_bytes, JsonBytes(exchange.request(), body.size()));
  if (json_bytes == 0 && !exchange.request().Header("inference-header-content-length").empty()) {
    return RawRequest(operations, route.model, route.version, std::move(body));
  }
  const std::string_view view = body;
  ASSIGN_OR_RETURN(InferBody parsed, ParseInferBody(view.substr(0, json_bytes), view.substr(json_bytes)));
  parsed.message.set_model_name(route.model);
  parsed.message.set_model_version(route.version);
  return parsed;
}

void StartInfer(Operations& operations, Predictor& predictor, const Clock& clock, const Route& route, Exchange exchange,
                int64_t max_body_bytes) {
  const MonotonicTime received = clock.Now();
  absl::StatusOr<InferBody> body = ReadInfer(operations, route, *exchange, max_body_bytes);
  if (!body.ok()) return AnswerUnread(exchange, body.status());
  const auto infer = std::make_shared<Infer>(Infer{exchange, *std::move(body), {}});
  PredictRequest request = ToPredictRequest(infer->body.message, received, kNever, &infer->views);
  if (!infer->body.decoded.ok()) request.decoded = infer->body.decoded;
  request.trace = ParseTraceparent(exchange->request().Header("traceparent"));
  const std::weak_ptr<Prediction> prediction =
      predictor.Start(request, [infer](const absl::StatusOr<PredictResponse>& answer) {
        if (!answer.ok()) return Answer(infer->exchange, answer.status());
        absl::StatusOr<HttpResponse> response = ToHttp(*answer, infer->body);
        Answer(infer->exchange, response.ok() ? *std::move(response) : ToHttp(response.status()));
      });
  // It lives for as long as there is something to cancel.
  exchange->OnHangUp([prediction] {
    if (const std::shared_ptr<Prediction> left = prediction.lock()) left->Cancel();
  });
}

// ---------------------------------------------------------------- repository

// The body of a repository call, {} where there is none.
absl::StatusOr<Json> RepositoryBody(HttpExchange& exchange, int64_t max_body_bytes) {
  ASSIGN_OR_RETURN(const std::string body, DecodedBody(exchange, max_body_bytes));
  if (body.empty()) return Json::object();
  Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return absl::InvalidArgumentError("body: expected a JSON object, or nothing");
  return json;
}

absl::Status SetParameter(const Json& value, inference::ModelRepositoryParameter* parameter) {
  if (value.is_boolean()) {
    parameter->set_bool_param(value.get<bool>());
  } else if (value.is_number_integer()) {
    parameter->set_int64_param(value.get<int64_t>());
  } else if (value.is_string()) {
    parameter->set_string_param(value.get<std::string>());
  } else {
    return absl::InvalidArgumentError("expected true, false, a whole number or a text");
  }
  return absl::OkStatus();
}

// A Request is a load or an unload.
template <typename Request>
absl::StatusOr<Request> ReadRepositoryRequest(const Route& route, HttpExchange& exchange, int64_t max_body_bytes) {
  Request request;
  request.set_repository_name(route.repository);
  request.set_model_name(route.model);
  ASSIGN_OR_RETURN(const Json body, RepositoryBody(exchange, max_body_bytes));
  const auto parameters = body.find("parameters");
  if (parameters == body.end()) return request;
  if (!parameters->is_object()) return absl::InvalidArgumentError("parameters: expected an object");
  for (const auto& [name, value] : parameters->items()) {
    const absl::Status set = SetParameter(value, &(*request.mutable_parameters())[name]);
    if (!set.ok()) return Annotate(set, absl::StrCat("parameter '", name, "'"));
  }
  return request;
}

void AnswerIndex(const Operations& operations, const Route& route, const Exchange& exchange, int64_t max_body_bytes) {
  const absl::StatusOr<Json> body = RepositoryBody(*exchange, max_body_bytes);
  if (!body.ok()) return AnswerUnread(exchange, body.status());
  inference::RepositoryIndexRequest request;
  request.set_repository_name(route.repository);
  if (const auto ready = body->find("ready"); ready != body->end()) {
    if (!ready->is_boolean()) {
      return Answer(exchange, absl::InvalidArgumentError("ready: expected true or false"));
    }
    request.set_ready(ready->get<bool>());
  }
  inference::RepositoryIndexResponse response;
  const absl::Status status = operations.RepositoryIndex(request, &response);
  Answer(exchange, status.ok() ? JsonResponse(ToJsonArray(response, "models")) : ToHttp(status));
}

ModelManager::Done AnswerLater(Exchange exchange) {
  return [exchange = std::move(exchange)](const absl::Status& status) {
    Answer(exchange, status.ok() ? JsonResponse("{}") : ToHttp(status));
  };
}

void StartLoad(Operations& operations, const Route& route, const Caller& caller, Exchange exchange, int64_t max_bytes) {
  const auto request = ReadRepositoryRequest<inference::RepositoryModelLoadRequest>(route, *exchange, max_bytes);
  if (!request.ok()) return AnswerUnread(exchange, request.status());
  operations.Load(*request, caller, AnswerLater(std::move(exchange)));
}
void StartUnload(Operations& operations, const Route& route, const Caller& caller, Exchange exchange,
                 int64_t max_bytes) {
  const auto request = ReadRepositoryRequest<inference::RepositoryModelUnloadRequest>(route, *exchange, max_bytes);
  if (!request.ok()) return AnswerUnread(exchange, request.status());
  operations.Unload(*request, caller, AnswerLater(std::move(exchange)));
}

// ---------------------------------------------------------------- what a model is

template <typename Request>
Request Of(const Route& route) {
  Request request;
  request.set_name(route.model);
  request.set_version(route.version);
  return request;
}

void AnswerServerReady(const Operations& operations, const Exchange& exchange) {
  const bool ready = operations.ServerReady();
  Answer(exchange, Health({{"ready", ready}}, ready));
}
void AnswerModelReady(const Operations& operations, const Route& route, const Exchange& exchange) {
  const bool ready = operations.ModelReady(Of<inference::ModelReadyRequest>(route));
  Json body = {{"name", route.model}, {"ready", ready}};
  Answer(exchange, JsonResponse(body.dump(-1, ' ', false, Json::error_handler_t::replace), ready ? 200 : 400));
}
void AnswerMetadata(const Operations& operations, const Route& route, const Exchange& exchange) {
  inference::ModelMetadataResponse response;
  const absl::Status status = operations.ModelMetadata(Of<inference::ModelMetadataRequest>(route), &response);
  Answer(exchange, status, response);
}
// Not the message but the configuration in it.
void AnswerConfig(const Operations& operations, const Route& route, const Exchange& exchange) {
  inference::ModelConfigResponse response;
  const absl::Status status = operations.ModelConfig(Of<inference::ModelConfigRequest>(route), &response);
  Answer(exchange, status, response.config());
}
void AnswerStatistics(const Operations& operations, const Route& route, const Exchange& exchange) {
  inference::ModelStatisticsResponse response;
  const absl::Status status = operations.ModelStatistics(Of<inference::ModelStatisticsRequest>(route), &response);
  Answer(exchange, status, response);
}
void AnswerServerMetadata(const Operations& operations, const Exchange& exchange) {
  inference::ServerMetadataResponse response;
  operations.ServerMetadata(&response);
  // The protocol's name for what only HTTP has.
  response.add_extensions("binary_tensor_data");
  Answer(exchange, absl::OkStatus(), response);
}

}  // namespace

RestService::Admission RestService::Admit(const HttpRequest& request) const {
  absl::StatusOr<Route> route = ParsePath(PathOf(request));
  if (!route.ok()) return {ToHttp(route.status())};
  const RestRule& rule = RuleOf(route->operation);
  if (!Allows(rule, request.method)) return {WrongMethod(request.method, rule.methods)};
  absl::StatusOr<std::string> name = gatekeeper_.Admit(rule.rpc, request.Header("authorization"), request.peer_name);
  if (!name.ok()) return {ToHttp(name.status())};
  return {std::nullopt, *std::move(route), {*std::move(name), request.peer}};
}

void RestService::Handle(Exchange exchange) {
  auto [refusal, route, caller] = Admit(exchange->request());
  if (refusal) return Answer(exchange, *std::move(refusal));
  switch (route.operation) {
    case RestOperation::kServerLive:
      return Answer(exchange, Health({{"live", true}}, true));
    case RestOperation::kServerReady:
      return AnswerServerReady(operations_, exchange);
    case RestOperation::kServerMetadata:
      return AnswerServerMetadata(operations_, exchange);
    case RestOperation::kModelReady:
      return AnswerModelReady(operations_, route, exchange);
    case RestOperation::kModelMetadata:
      return AnswerMetadata(operations_, route, exchange);
    case RestOperation::kModelConfig:
      return AnswerConfig(operations_, route, exchange);
    case RestOperation::kModelStatistics:
      return AnswerStatistics(operations_, route, exchange);
    case RestOperation::kModelInfer:
      return StartInfer(operations_, predictor_, clock_, route, std::move(exchange), max_body_bytes_);
    case RestOperation::kRepositoryIndex:
      return AnswerIndex(operations_, route, exchange, max_body_bytes_);
    case RestOperation::kModelLoad:
      return StartLoad(operations_, route, caller, std::move(exchange), max_body_bytes_);
    case RestOperation::kModelUnload:
      return StartUnload(operations_, route, caller, std::move(exchange), max_body_bytes_);
    case RestOperation::kTraceSetting:
    case RestOperation::kLogSettings:
    case RestOperation::kSystemSharedMemory:
    case RestOperation::kCudaSharedMemory:
      return Answer(exchange, NotServed(RuleOf(route.operation).not_served));
  }
}

}  // namespace beak
