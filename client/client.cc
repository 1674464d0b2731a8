#include "client/client.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <utility>

#include "client/channel.h"
#include "client/convert.h"
#include "client/unary_call.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "proto/inference/open_inference.grpc.pb.h"

namespace beak::client {
namespace {

using ::grpc::health::v1::Health;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;
using ::inference::GRPCInferenceService;

using HealthAsync = Health::StubInterface::async_interface;
using Inference = GRPCInferenceService::StubInterface::async_interface;

template <typename Request>
Request ForModel(const std::string& model, const std::string& version) {
  Request request;
  request.set_name(model);
  request.set_version(version);
  return request;
}

}  // namespace

struct Client::Stubs {
  std::unique_ptr<GRPCInferenceService::Stub> inference;
  std::unique_ptr<Health::Stub> health;
};

absl::StatusOr<std::unique_ptr<Client>> Client::Connect(const std::string& address, const ClientOptions& options) {
  absl::StatusOr<std::unique_ptr<Channel>> channel = Channel::Connect(address, options);
  if (!channel.ok()) return channel.status();
  return std::unique_ptr<Client>(new Client(*std::move(channel)));
}

Client::Client(std::unique_ptr<Channel> channel)
    : stubs_(
          new Stubs{GRPCInferenceService::NewStub(channel->grpc_channel()), Health::NewStub(channel->grpc_channel())}),
      channel_(std::move(channel)) {}

Client::~Client() = default;

absl::StatusOr<bool> Client::IsLive(const CallOptions& options) {
  const auto response = Call<Inference, inference::ServerLiveRequest, inference::ServerLiveResponse>(
      *channel_, options, stubs_->inference->async(), &Inference::ServerLive, {});
  if (!response.ok()) return response.status();
  return response->live();
}

absl::StatusOr<bool> Client::IsReady(const CallOptions& options) {
  const auto response = Call<Inference, inference::ServerReadyRequest, inference::ServerReadyResponse>(
      *channel_, options, stubs_->inference->async(), &Inference::ServerReady, {});
  if (!response.ok()) return response.status();
  return response->ready();
}

absl::StatusOr<bool> Client::IsModelReady(const std::string& model, const std::string& version,
                                          const CallOptions& options) {
  const auto response = Call<Inference, inference::ModelReadyRequest, inference::ModelReadyResponse>(
      *channel_, options, stubs_->inference->async(), &Inference::ModelReady,
      ForModel<inference::ModelReadyRequest>(model, version));
  if (!response.ok()) return response.status();
  return response->ready();
}

absl::StatusOr<HealthStatus> Client::CheckHealth(const std::string& service, const CallOptions& options) {
  HealthCheckRequest request;
  request.set_service(service);
  const absl::StatusOr<HealthCheckResponse> response = Call<HealthAsync, HealthCheckRequest, HealthCheckResponse>(
      *channel_, options, stubs_->health->async(), &HealthAsync::Check, std::move(request));
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
  const auto response = Call<Inference, inference::ServerMetadataRequest, inference::ServerMetadataResponse>(
      *channel_, options, stubs_->inference->async(), &Inference::ServerMetadata, {});
  if (!response.ok()) return response.status();
  return FromProto(*response);
}

absl::StatusOr<ModelMetadata> Client::GetModelMetadata(const std::string& model, const std::string& version,
                                                       const CallOptions& options) {
  const auto response = Call<Inference, inference::ModelMetadataRequest, inference::ModelMetadataResponse>(
      *channel_, options, stubs_->inference->async(), &Inference::ModelMetadata,
      ForModel<inference::ModelMetadataRequest>(model, version));
  if (!response.ok()) return response.status();
  return FromProto(*response);
}

absl::StatusOr<inference::ModelConfig> Client::GetModelConfig(const std::string& model, const std::string& version,
                                                              const CallOptions& options) {
  auto response = Call<Inference, inference::ModelConfigRequest, inference::ModelConfigResponse>(
      *channel_, options, stubs_->inference->async(), &Inference::ModelConfig,
      ForModel<inference::ModelConfigRequest>(model, version));
  if (!response.ok()) return response.status();
  return std::move(*response->mutable_config());
}

absl::StatusOr<std::vector<ModelIndex>> Client::ListModels(bool ready_only, const CallOptions& options) {
  inference::RepositoryIndexRequest request;
  request.set_ready(ready_only);
  const auto response = Call<Inference, inference::RepositoryIndexRequest, inference::RepositoryIndexResponse>(
      *channel_, options, stubs_->inference->async(), &Inference::RepositoryIndex, std::move(request));
  if (!response.ok()) return response.status();
  return FromProto(*response);
}

absl::StatusOr<std::vector<ModelStatistics>> Client::GetStatistics(const std::string& model, const std::string& version,
                                                                   const CallOptions& options) {
  const auto response = Call<Inference, inference::ModelStatisticsRequest, inference::ModelStatisticsResponse>(
      *channel_, options, stubs_->inference->async(), &Inference::ModelStatistics,
      ForModel<inference::ModelStatisticsRequest>(model, version));
  if (!response.ok()) return response.status();
  return FromProto(*response);
}

absl::Status Client::LoadModel(const std::string& model, const std::optional<std::string>& config_json,
                               const CallOptions& options) {
  inference::RepositoryModelLoadRequest request;
  request.set_model_name(model);
  if (config_json) (*request.mutable_parameters())["config"].set_string_param(*config_json);
  return Call<Inference, inference::RepositoryModelLoadRequest, inference::RepositoryModelLoadResponse>(
             *channel_, options, stubs_->inference->async(), &Inference::RepositoryModelLoad, std::move(request))
      .status();
}

absl::Status Client::UnloadModel(const std::string& model, const CallOptions& options) {
  inference::RepositoryModelUnloadRequest request;
  request.set_model_name(model);
  return Call<Inference, inference::RepositoryModelUnloadRequest, inference::RepositoryModelUnloadResponse>(
             *channel_, options, stubs_->inference->async(), &Inference::RepositoryModelUnload, std::move(request))
      .status();
}

absl::StatusOr<PredictResponse> Client::Predict(PredictRequest request, const CallOptions& options) {
  return PredictAsync(std::move(request), options).get();
}

void Client::PredictAsync(PredictRequest request, PredictDone done, const CallOptions& options) {
  absl::StatusOr<inference::ModelInferRequest> proto = ToProto(std::move(request));
  if (!proto.ok()) return done(proto.status());
  using Request = inference::ModelInferRequest;
  using Response = inference::ModelInferResponse;
  CallAsync<Inference, Request, Response>(*channel_, options, stubs_->inference->async(), &Inference::ModelInfer,
                                          *std::move(proto),
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
