#include "server/grpc/inference_service.h"

#include <grpcpp/support/server_callback.h>

#include <memory>

#include "absl/strings/str_cat.h"
#include "proto/inference/open_inference.grpc.pb.h"
#include "proto/wire/status.h"
#include "server/grpc/infer_call.h"

namespace beak {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

ServerUnaryReactor* Answer(CallbackServerContext* context, const absl::Status& status = absl::OkStatus()) {
  ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(wire::ToGrpcStatus(status));
  return reactor;
}

// Ends the call with the status that it is given, from any thread.
ModelManager::Done AnswerLater(ServerUnaryReactor* reactor, OpenCalls& calls) {
  return [reactor, call = std::make_shared<OpenCalls::Call>(calls)](const absl::Status& status) {
    reactor->Finish(wire::ToGrpcStatus(status));
  };
}

absl::Status NotServed(const char* what) {
  return absl::UnimplementedError(absl::StrCat(what, " is not served by this server"));
}

class InferenceService final : public inference::GRPCInferenceService::CallbackService {
 public:
  InferenceService(Operations& operations, Predictor& predictor, StreamCalls& streams, OpenCalls& calls,
                   const Clock& clock)
      : operations_(operations), predictor_(predictor), streams_(streams), calls_(calls), clock_(clock) {}

  ServerUnaryReactor* ServerLive(CallbackServerContext* context, const inference::ServerLiveRequest*,
                                 inference::ServerLiveResponse* response) override {
    response->set_live(true);
    return Answer(context);
  }
  ServerUnaryReactor* ServerReady(CallbackServerContext* context, const inference::ServerReadyRequest*,
                                  inference::ServerReadyResponse* response) override {
    response->set_ready(operations_.ServerReady());
    return Answer(context);
  }
  ServerUnaryReactor* ModelReady(CallbackServerContext* context, const inference::ModelReadyRequest* request,
                                 inference::ModelReadyResponse* response) override {
    response->set_ready(operations_.ModelReady(*request));
    return Answer(context);
  }

  ServerUnaryReactor* ServerMetadata(CallbackServerContext* context, const inference::ServerMetadataRequest*,
                                     inference::ServerMetadataResponse* response) override {
    operations_.ServerMetadata(response);
    return Answer(context);
  }
  ServerUnaryReactor* ModelMetadata(CallbackServerContext* context, const inference::ModelMetadataRequest* request,
                                    inference::ModelMetadataResponse* response) override {
    return Answer(context, operations_.ModelMetadata(*request, response));
  }

  ServerUnaryReactor* ModelInfer(CallbackServerContext* context, const inference::ModelInferRequest* request,
                                 inference::ModelInferResponse* response) override {
    return StartInferCall(predictor_, calls_, clock_, *context, *request, response);
  }
  StreamCalls::Reactor* ModelStreamInfer(CallbackServerContext* context) override { return streams_.Start(*context); }

  ServerUnaryReactor* ModelConfig(CallbackServerContext* context, const inference::ModelConfigRequest* request,
                                  inference::ModelConfigResponse* response) override {
    return Answer(context, operations_.ModelConfig(*request, response));
  }
  ServerUnaryReactor* ModelStatistics(CallbackServerContext* context, const inference::ModelStatisticsRequest* request,
                                      inference::ModelStatisticsResponse* response) override {
    return Answer(context, operations_.ModelStatistics(*request, response));
  }

  ServerUnaryReactor* RepositoryIndex(CallbackServerContext* context, const inference::RepositoryIndexRequest* request,
                                      inference::RepositoryIndexResponse* response) override {
    return Answer(context, operations_.RepositoryIndex(*request, response));
  }
  ServerUnaryReactor* RepositoryModelLoad(CallbackServerContext* context,
                                          const inference::RepositoryModelLoadRequest* request,
                                          inference::RepositoryModelLoadResponse*) override {
    ServerUnaryReactor* reactor = context->DefaultReactor();  // once: a second call would make it anew
    operations_.Load(*request, Caller{"anonymous", context->peer()}, AnswerLater(reactor, calls_));
    return reactor;
  }
  ServerUnaryReactor* RepositoryModelUnload(CallbackServerContext* context,
                                            const inference::RepositoryModelUnloadRequest* request,
                                            inference::RepositoryModelUnloadResponse*) override {
    ServerUnaryReactor* reactor = context->DefaultReactor();
    operations_.Unload(*request, Caller{"anonymous", context->peer()}, AnswerLater(reactor, calls_));
    return reactor;
  }

  ServerUnaryReactor* SystemSharedMemoryStatus(CallbackServerContext* context,
                                               const inference::SystemSharedMemoryStatusRequest*,
                                               inference::SystemSharedMemoryStatusResponse*) override {
    return Answer(context, NotServed("shared memory"));
  }
  ServerUnaryReactor* SystemSharedMemoryRegister(CallbackServerContext* context,
                                                 const inference::SystemSharedMemoryRegisterRequest*,
                                                 inference::SystemSharedMemoryRegisterResponse*) override {
    return Answer(context, NotServed("shared memory"));
  }
  ServerUnaryReactor* SystemSharedMemoryUnregister(CallbackServerContext* context,
                                                   const inference::SystemSharedMemoryUnregisterRequest*,
                                                   inference::SystemSharedMemoryUnregisterResponse*) override {
    return Answer(context, NotServed("shared memory"));
  }
  ServerUnaryReactor* CudaSharedMemoryStatus(CallbackServerContext* context,
                                             const inference::CudaSharedMemoryStatusRequest*,
                                             inference::CudaSharedMemoryStatusResponse*) override {
    return Answer(context, NotServed("CUDA shared memory"));
  }
  ServerUnaryReactor* CudaSharedMemoryRegister(CallbackServerContext* context,
                                               const inference::CudaSharedMemoryRegisterRequest*,
                                               inference::CudaSharedMemoryRegisterResponse*) override {
    return Answer(context, NotServed("CUDA shared memory"));
  }
  ServerUnaryReactor* CudaSharedMemoryUnregister(CallbackServerContext* context,
                                                 const inference::CudaSharedMemoryUnregisterRequest*,
                                                 inference::CudaSharedMemoryUnregisterResponse*) override {
    return Answer(context, NotServed("CUDA shared memory"));
  }
  ServerUnaryReactor* TraceSetting(CallbackServerContext* context, const inference::TraceSettingRequest*,
                                   inference::TraceSettingResponse*) override {
    return Answer(context, NotServed("TraceSetting"));
  }
  ServerUnaryReactor* LogSettings(CallbackServerContext* context, const inference::LogSettingsRequest*,
                                  inference::LogSettingsResponse*) override {
    return Answer(context, NotServed("LogSettings"));
  }

 private:
  Operations& operations_;
  Predictor& predictor_;
  StreamCalls& streams_;
  OpenCalls& calls_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeInferenceService(Operations& operations, Predictor& predictor, StreamCalls& streams,
                                                    OpenCalls& calls, const Clock& clock) {
  return std::make_unique<InferenceService>(operations, predictor, streams, calls, clock);
}

}  // namespace beak
