#include "client/client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <utility>

#include "client/channel.h"
#include "client/convert.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "proto/inference/open_inference.grpc.pb.h"

namespace beak::client {
namespace {

using ::grpc::health::v1::Health;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::inference::GRPCInferenceService;

// A call's stub and messages, alive until its last attempt has ended.
template <typename Service, typename Request, typename Response>
struct CallState {
  std::unique_ptr<typename Service::Stub> stub;
  Request request;
  Response response;
};

// The generated method of `Service` that makes the call, callback style.
template <typename Service, typename Request, typename Response>
using AsyncMethod = void (Service::StubInterface::async_interface::*)(::grpc::ClientContext*, const Request*, Response*,
                                                                      std::function<void(::grpc::Status)>);

template <typename Service, typename Request, typename Response>
void CallAsync(Channel& channel, const CallOptions& options, AsyncMethod<Service, Request, Response> method,
               Request request, std::function<void(absl::StatusOr<Response>)> done) {
  using State = CallState<Service, Request, Response>;
  auto state = std::make_shared<State>(State{Service::NewStub(channel.grpc_channel()), std::move(request), {}});
  const auto start = [state, method](::grpc::ClientContext* context, std::function<void(::grpc::Status)> ended) {
    state->response.Clear();
    (state->stub->async()->*method)(context, &state->request, &state->response, std::move(ended));
  };
  channel.Call(options, start, [state, done = std::move(done)](const absl::Status& status) {
    if (!status.ok()) return done(status);
    done(std::move(state->response));
  });
}

// The same, waiting for the answer.
template <typename Service, typename Request, typename Response>
absl::StatusOr<Response> Call(Channel& channel, const CallOptions& options,
                              AsyncMethod<Service, Request, Response> method, Request request) {
  // Shared with the callback, which may still hold it when get() has returned.
  auto promise = std::make_shared<std::promise<absl::StatusOr<Response>>>();
  std::future<absl::StatusOr<Response>> result = promise->get_future();
  CallAsync<Service, Request, Response>(
      channel, options, method, std::move(request),
      [promise](absl::StatusOr<Response> response) { promise->set_value(std::move(response)); });
  return result.get();
}

template <typename Request, typename Response>
absl::StatusOr<Response> CallInference(Channel& channel, const CallOptions& options,
                                       AsyncMethod<GRPCInferenceService, Request, Response> method, Request request) {
  return Call<GRPCInferenceService, Request, Response>(channel, options, method, std::move(request));
}

using Async = GRPCInferenceService::StubInterface::async_interface;

template <typename Request>
Request ForModel(const std::string& model, const std::string& version) {
  Request request;
  request.set_name(model);
  request.set_version(version);
  return request;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const std::string& address, const ClientOptions& options) {
  absl::StatusOr<std::shared_ptr<Channel>> channel = Channel::Connect(address, options);
  if (!channel.ok()) return channel.status();
  return std::unique_ptr<Client>(new Client(*std::move(channel)));
}

Client::Client(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}

Client::~Client() = default;

absl::StatusOr<bool> Client::IsLive(const CallOptions& options) {
  const auto response = CallInference<inference::ServerLiveRequest, inference::ServerLiveResponse>(
      *channel_, options, &Async::ServerLive, {});
  if (!response.ok()) return response.status();
  return response->live();
}

absl::StatusOr<bool> Client::IsReady(const CallOptions& options) {
  const auto response = CallInference<inference::ServerReadyRequest, inference::ServerReadyResponse>(
      *channel_, options, &Async::ServerReady, {});
  if (!response.ok()) return response.status();
  return response->ready();
}

absl::StatusOr<bool> Client::IsModelReady(const std::string& model, const std::string& version,
                                          const CallOptions& options) {
  const auto response = CallInference<inference::ModelReadyRequest, inference::ModelReadyResponse>(
      *channel_, options, &Async::ModelReady, ForModel<inference::ModelReadyRequest>(model, version));
  if (!response.ok()) return response.status();
  return response->ready();
}

absl::StatusOr<HealthStatus> Client::CheckHealth(const std::string& service, const CallOptions& options) {
  HealthCheckRequest request;
  request.set_service(service);
  const absl::StatusOr<HealthCheckResponse> response = Call<Health, HealthCheckRequest, HealthCheckResponse>(
      *channel_, options, &Health::StubInterface::async_interface::Check, std::move(request));
  if (!response.ok()) return response.status();
  switch (response->status()) {
    case HealthCheckResponse::SERVING:
      return HealthStatus::kServing;
    case HealthCheckResponse::NOT_SERVING:
      return HealthStatus::kNotServing;
    default:
      return HealthStatus::kUnknown;
  }
}

absl::StatusOr<ServerMetadata> Client::GetServerMetadata(const CallOptions& options) {
  const auto response = CallInference<inference::ServerMetadataRequest, inference::ServerMetadataResponse>(
      *channel_, options, &Async::ServerMetadata, {});
  if (!response.ok()) return response.status();
  return FromProto(*response);
}

absl::StatusOr<ModelMetadata> Client::GetModelMetadata(const std::string& model, const std::string& version,
                                                       const CallOptions& options) {
  const auto response = CallInference<inference::ModelMetadataRequest, inference::ModelMetadataResponse>(
      *channel_, options, &Async::ModelMetadata, ForModel<inference::ModelMetadataRequest>(model, version));
  if (!response.ok()) return response.status();
  return FromProto(*response);
}

absl::StatusOr<inference::ModelConfig> Client::GetModelConfig(const std::string& model, const std::string& version,
                                                              const CallOptions& options) {
  auto response = CallInference<inference::ModelConfigRequest, inference::ModelConfigResponse>(
      *channel_, options, &Async::ModelConfig, ForModel<inference::ModelConfigRequest>(model, version));
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_config());
}

absl::StatusOr<std::vector<ModelIndex>> Client::ListModels(bool ready_only, const CallOptions& options) {
  inference::RepositoryIndexRequest request;
  request.set_ready(ready_only);
  const auto response = CallInference<inference::RepositoryIndexRequest, inference::RepositoryIndexResponse>(
      *channel_, options, &Async::RepositoryIndex, std::move(request));
  if (!response.ok()) return response.status();
  return FromProto(*response);
}

absl::StatusOr<std::vector<ModelStatistics>> Client::GetStatistics(const std::string& model, const std::string& version,
                                                                   const CallOptions& options) {
  const auto response = CallInference<inference::ModelStatisticsRequest, inference::ModelStatisticsResponse>(
      *channel_, options, &Async::ModelStatistics, ForModel<inference::ModelStatisticsRequest>(model, version));
  if (!response.ok()) return response.status();
  return FromProto(*response);
}

absl::StatusOr<PredictResponse> Client::Predict(PredictRequest request, const CallOptions& options) {
  return PredictAsync(std::move(request), options).get();
}

void Client::PredictAsync(PredictRequest request, PredictDone done, const CallOptions& options) {
  absl::StatusOr<inference::ModelInferRequest> proto = ToProto(std::move(request));
  if (!proto.ok()) return done(proto.status());
  using Request = inference::ModelInferRequest;
  using Response = inference::ModelInferResponse;
  CallAsync<GRPCInferenceService, Request, Response>(
      *channel_, options, &Async::ModelInfer, *std::move(proto),
      [done = std::move(done)](const absl::StatusOr<Response>& response) {
        if (!response.ok()) return done(response.status());
        done(FromProto(*response));
      });
}

std::future<absl::StatusOr<PredictResponse>> Client::PredictAsync(PredictRequest request, const CallOptions& options) {
  auto promise = std::make_shared<std::promise<absl::StatusOr<PredictResponse>>>();
  std::future<absl::StatusOr<PredictResponse>> result = promise->get_future();
  PredictAsync(
      std::move(request),
      [promise](absl::StatusOr<PredictResponse> response) { promise->set_value(std::move(response)); }, options);
  return result;
}

}  // namespace beak::client
