#include "tests/client/support/fake_train_server.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/server_context.h>

#include <chrono>

#include "engine/base/check.h"
#include "proto/beak/v1/service/train_service.grpc.pb.h"
#include "proto/wire/status.h"

namespace beak::testing {
namespace {

template <typename Request, typename Response>
grpc::Status Give(const FakeTrainServer::Answer<Request, Response>& answer, const Request* request,
                  Response* response) {
  if (!answer) return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "the test has no answer");
  absl::StatusOr<Response> given = answer(*request);
  if (given.ok()) *response = *std::move(given);
  return wire::ToGrpcStatus(given.status());
}

}  // namespace

class FakeTrainServer::Service final : public v1::TrainService::Service {
 public:
  explicit Service(FakeTrainServer& owner) : owner_(owner) {}

  grpc::Status CreateTrainJob(grpc::ServerContext*, const v1::CreateTrainJobRequest* request,
                              v1::TrainJob* response) override {
    return Give(owner_.create, request, response);
  }
  grpc::Status GetTrainJob(grpc::ServerContext*, const v1::GetTrainJobRequest* request,
                           v1::TrainJob* response) override {
    return Give(owner_.get, request, response);
  }
  grpc::Status ListTrainJobs(grpc::ServerContext*, const v1::ListTrainJobsRequest* request,
                             v1::ListTrainJobsResponse* response) override {
    return Give(owner_.list, request, response);
  }
  grpc::Status CancelTrainJob(grpc::ServerContext*, const v1::CancelTrainJobRequest* request,
                              v1::TrainJob* response) override {
    return Give(owner_.cancel, request, response);
  }
  grpc::Status DeleteTrainJob(grpc::ServerContext*, const v1::DeleteTrainJobRequest* request,
                              v1::DeleteTrainJobResponse* response) override {
    return Give(owner_.remove, request, response);
  }
  grpc::Status WatchTrainJob(grpc::ServerContext*, const v1::WatchTrainJobRequest* request,
                             grpc::ServerWriter<v1::TrainJobUpdate>* writer) override {
    if (!owner_.watch) return grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "the test has no answer");
    return wire::ToGrpcStatus(
        owner_.watch(*request, [writer](const v1::TrainJobUpdate& update) { return writer->Write(update); }));
  }

  std::unique_ptr<grpc::Server> server;

 private:
  FakeTrainServer& owner_;
};

FakeTrainServer::FakeTrainServer() : service_(new Service(*this)) { Listen("127.0.0.1:0"); }
FakeTrainServer::~FakeTrainServer() { Stop(); }

void FakeTrainServer::Stop() {
  if (service_->server) service_->server->Shutdown(std::chrono::system_clock::now());
  service_->server = nullptr;
}
void FakeTrainServer::Restart() { Listen(address_); }

void FakeTrainServer::Listen(const std::string& address) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(service_.get());
  service_->server = builder.BuildAndStart();
  BEAK_CHECK(service_->server != nullptr && port != 0);
  address_ = "127.0.0.1:" + std::to_string(port);
}

v1::TrainJobUpdate Update(const v1::TrainJob& job) {
  v1::TrainJobUpdate update;
  *update.mutable_job() = job;
  return update;
}
v1::TrainJobUpdate Update(const v1::TrainProgress& progress) {
  v1::TrainJobUpdate update;
  *update.mutable_progress() = progress;
  return update;
}
v1::TrainJobUpdate Update(const v1::EpochReport& epoch) {
  v1::TrainJobUpdate update;
  *update.mutable_epoch() = epoch;
  return update;
}
v1::TrainJobUpdate Notice(const std::string& text) {
  v1::TrainJobUpdate update;
  update.set_notice(text);
  return update;
}

}  // namespace beak::testing
