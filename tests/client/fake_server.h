#pragma once

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>

#include <functional>
#include <memory>
#include <string>

#include "engine/base/check.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "proto/inference/open_inference.grpc.pb.h"

namespace beak::testing {

// A server of the protocol in the test's own process, on a port of its own, whose answers the test writes. A call that
// has no answer is UNIMPLEMENTED.
class FakeServer final : public inference::GRPCInferenceService::Service {
 public:
  template <typename Request, typename Response>
  using Answer = std::function<grpc::Status(grpc::ServerContext*, const Request&, Response*)>;

  // Set these before the first call.
  Answer<inference::ServerLiveRequest, inference::ServerLiveResponse> live;
  Answer<inference::ServerReadyRequest, inference::ServerReadyResponse> ready;
  Answer<inference::ModelReadyRequest, inference::ModelReadyResponse> model_ready;
  Answer<inference::ServerMetadataRequest, inference::ServerMetadataResponse> server_metadata;
  Answer<inference::ModelMetadataRequest, inference::ModelMetadataResponse> model_metadata;
  Answer<inference::ModelConfigRequest, inference::ModelConfigResponse> model_config;
  Answer<inference::ModelStatisticsRequest, inference::ModelStatisticsResponse> model_statistics;
  Answer<inference::RepositoryIndexRequest, inference::RepositoryIndexResponse> repository_index;
  Answer<inference::RepositoryModelLoadRequest, inference::RepositoryModelLoadResponse> load;
  Answer<inference::RepositoryModelUnloadRequest, inference::RepositoryModelUnloadResponse> unload;
  Answer<inference::ModelInferRequest, inference::ModelInferResponse> infer;
  Answer<grpc::health::v1::HealthCheckRequest, grpc::health::v1::HealthCheckResponse> health;

  FakeServer() : health_service_(*this) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    builder.RegisterService(&health_service_);
    builder.SetMaxReceiveMessageSize(-1);
    server_ = builder.BuildAndStart();
    BEAK_CHECK(server_ != nullptr && port != 0);
    address_ = "127.0.0.1:" + std::to_string(port);
  }
  ~FakeServer() override { server_->Shutdown(); }

  const std::string& address() const { return address_; }

 private:
  class HealthService final : public grpc::health::v1::Health::Service {
   public:
    explicit HealthService(FakeServer& owner) : owner_(owner) {}
    grpc::Status Check(grpc::ServerContext* context, const grpc::health::v1::HealthCheckRequest* request,
                       grpc::health::v1::HealthCheckResponse* response) override {
      return Give(owner_.health, context, request, response);
    }

   private:
    FakeServer& owner_;
  };

  template <typename Request, typename Response>
  static grpc::Status Give(const Answer<Request, Response>& answer, grpc::ServerContext* context,
                           const Request* request, Response* response) {
    if (!answer) return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "the test has no answer");
    return answer(context, *request, response);
  }

#define BEAK_FAKE_CALL(Name, answer)                                                       \
  grpc::Status Name(grpc::ServerContext* context, const inference::Name##Request* request, \
                    inference::Name##Response* response) override {                        \
    return Give(answer, context, request, response);                                       \
  }
  BEAK_FAKE_CALL(ServerLive, live)
  BEAK_FAKE_CALL(ServerReady, ready)
  BEAK_FAKE_CALL(ModelReady, model_ready)
  BEAK_FAKE_CALL(ServerMetadata, server_metadata)
  BEAK_FAKE_CALL(ModelMetadata, model_metadata)
  BEAK_FAKE_CALL(ModelConfig, model_config)
  BEAK_FAKE_CALL(ModelStatistics, model_statistics)
  BEAK_FAKE_CALL(RepositoryIndex, repository_index)
  BEAK_FAKE_CALL(RepositoryModelLoad, load)
  BEAK_FAKE_CALL(RepositoryModelUnload, unload)
  BEAK_FAKE_CALL(ModelInfer, infer)
#undef BEAK_FAKE_CALL

  HealthService health_service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

}  // namespace beak::testing
