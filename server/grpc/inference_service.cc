#include "server/grpc/inference_service.h"

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string_view>

#include "proto/inference/open_inference.grpc.pb.h"
#include "proto/wire/status.h"
#include "server/grpc/infer_call.h"

namespace beak {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

// Ends the call with the status that it is given, from any thread.
ModelManager::Done AnswerLater(ServerUnaryReactor* reactor, OpenCalls& calls) {
  return [reactor, call = std::make_shared<OpenCalls::Call>(calls)](const absl::Status& status) {
    reactor->Finish(wire::ToGrpcStatus(status));
  };
}

class InferenceService final : public inference::GRPCInferenceService::CallbackService {
 public:
  InferenceService(const Guard& guard, Operations& operations, Predictor& predictor, StreamCalls& streams,
                   OpenCalls& calls, const Clock& clock)
      : guard_(guard),
        operations_(operations),
        predictor_(predictor),
        streams_(streams),
        calls_(calls),
        clock_(clock) {}

  ServerUnaryReactor* ServerLive(CallbackServerContext* context, const inference::ServerLiveRequest*,
                                 inference::ServerLiveResponse* response) override {
    return Answer(context, "/inference.GRPCInferenceService/ServerLive", [&] {
      response->set_live(true);
      return absl::OkStatus();
    });
  }
  ServerUnaryReactor* ServerReady(CallbackServerContext* context, const inference::ServerReadyRequest*,
                                  inference::ServerReadyResponse* response) override {
    return Answer(context, "/inference.GRPCInferenceService/ServerReady", [&] {
      response->set_ready(operations_.ServerReady());
      return absl::OkStatus();
    });
  }
  ServerUnaryReactor* ModelReady(CallbackServerContext* context, const inference::ModelReadyRequest* request,
                                 inference::ModelReadyResponse* response) override {
    return Answer(context, "/inference.GRPCInferenceService/ModelReady", [&] {
      response->set_ready(operations_.ModelReady(*request));
      return absl::OkStatus();
    });
  }

  ServerUnaryReactor* ServerMetadata(CallbackServerContext* context, const inference::ServerMetadataRequest*,
                                     inference::ServerMetadataResponse* response) override {
    return Answer(context, "/inference.GRPCInferenceService/ServerMetadata", [&] {
      operations_.ServerMetadata(response);
      return absl::OkStatus();
    });
  }
  ServerUnaryReactor* ModelMetadata(CallbackServerContext* context, const inference::ModelMetadataRequest* request,
                                    inference::ModelMetadataResponse* response) override {
    return Answer(context, "/inference.GRPCInferenceService/ModelMetadata",
                  [&] { return operations_.ModelMetadata(*request, response); });
  }

  ServerUnaryReactor* ModelInfer(CallbackServerContext* context, const inference::ModelInferRequest* request,
                                 inference::ModelInferResponse* response) override {
    if (auto* refused = guard_.Refuse<ServerUnaryReactor>(*context, "/inference.GRPCInferenceService/ModelInfer")) {
      return refused;
    }
    return StartInferCall(predictor_, calls_, clock_, *context, *request, response);
  }
  StreamCalls::Reactor* ModelStreamInfer(CallbackServerContext* context) override {
    constexpr std::string_view kMethod = "/inference.GRPCInferenceService/ModelStreamInfer";
    if (auto* refused = guard_.Refuse<StreamCalls::Reactor>(*context, kMethod)) return refused;
    return streams_.Start(*context);
  }

  ServerUnaryReactor* ModelConfig(CallbackServerContext* context, const inference::ModelConfigRequest* request,
                                  inference::ModelConfigResponse* response) override {
    return Answer(context, "/inference.GRPCInferenceService/ModelConfig",
                  [&] { return operations_.ModelConfig(*request, response); });
  }
  ServerUnaryReactor* ModelStatistics(CallbackServerContext* context, const inference::ModelStatisticsRequest* request,
                                      inference::ModelStatisticsResponse* response) override {
    return Answer(context, "/inference.GRPCInferenceService/ModelStatistics",
                  [&] { return operations_.ModelStatistics(*request, response); });
  }

  ServerUnaryReactor* RepositoryIndex(CallbackServerContext* context, const inference::RepositoryIndexRequest* request,
                                      inference::RepositoryIndexResponse* response) override {
    return Answer(context, "/inference.GRPCInferenceService/RepositoryIndex",
                  [&] { return operations_.RepositoryIndex(*request, response); });
  }
  ServerUnaryReactor* RepositoryModelLoad(CallbackServerContext* context,
                                          const inference::RepositoryModelLoadRequest* request,
                                          inference::RepositoryModelLoadResponse*) override {
    Caller caller;
    constexpr std::string_view kMethod = "/inference.GRPCInferenceService/RepositoryModelLoad";
    if (auto* refused = guard_.Refuse<ServerUnaryReactor>(*context, kMethod, &caller)) return refused;
    ServerUnaryReactor* reactor = context->DefaultReactor();  // once: a second call would make it anew
    operations_.Load(*request, caller, AnswerLater(reactor, calls_));
    return reactor;
  }
  ServerUnaryReactor* RepositoryModelUnload(CallbackServerContext* context,
                                            const inference::RepositoryModelUnloadRequest* request,
                                            inference::RepositoryModelUnloadResponse*) override {
    Caller caller;
    constexpr std::string_view kMethod = "/inference.GRPCInferenceService/RepositoryModelUnload";
    if (auto* refused = guard_.Refuse<ServerUnaryReactor>(*context, kMethod, &caller)) return refused;
    ServerUnaryReactor* reactor = context->DefaultReactor();
    operations_.Unload(*request, caller, AnswerLater(reactor, calls_));
    return reactor;
  }

  ServerUnaryReactor* SystemSharedMemoryStatus(CallbackServerContext* context,
                                               const inference::SystemSharedMemoryStatusRequest*,
                                               inference::SystemSharedMemoryStatusResponse*) override {
    return AnswerNotServed(context, "/inference.GRPCInferenceService/SystemSharedMemoryStatus", "shared memory");
  }
  ServerUnaryReactor* SystemSharedMemoryRegister(CallbackServerContext* context,
                                                 const inference::SystemSharedMemoryRegisterRequest*,
                                                 inference::SystemSharedMemoryRegisterResponse*) override {
    return AnswerNotServed(context, "/inference.GRPCInferenceService/SystemSharedMemoryRegister", "shared memory");
  }
  ServerUnaryReactor* SystemSharedMemoryUnregister(CallbackServerContext* context,
                                                   const inference::SystemSharedMemoryUnregisterRequest*,
                                                   inference::SystemSharedMemoryUnregisterResponse*) override {
    return AnswerNotServed(context, "/inference.GRPCInferenceService/SystemSharedMemoryUnregister", "shared memory");
  }
  ServerUnaryReactor* CudaSharedMemoryStatus(CallbackServerContext* context,
                                             const inference::CudaSharedMemoryStatusRequest*,
                                             inference::CudaSharedMemoryStatusResponse*) override {
    return AnswerNotServed(context, "/inference.GRPCInferenceService/CudaSharedMemoryStatus", "CUDA shared memory");
  }
  ServerUnaryReactor* CudaSharedMemoryRegister(CallbackServerContext* context,
                                               const inference::CudaSharedMemoryRegisterRequest*,
                                               inference::CudaSharedMemoryRegisterResponse*) override {
    return AnswerNotServed(context, "/inference.GRPCInferenceService/CudaSharedMemoryRegister", "CUDA shared memory");
  }
  ServerUnaryReactor* CudaSharedMemoryUnregister(CallbackServerContext* context,
                                                 const inference::CudaSharedMemoryUnregisterRequest*,
                                                 inference::CudaSharedMemoryUnregisterResponse*) override {
    return AnswerNotServed(context, "/inference.GRPCInferenceService/CudaSharedMemoryUnregister", "CUDA shared memory");
  }
  ServerUnaryReactor* TraceSetting(CallbackServerContext* context, const inference::TraceSettingRequest*,
                                   inference::TraceSettingResponse*) override {
    return AnswerNotServed(context, "/inference.GRPCInferenceService/TraceSetting", "TraceSetting");
  }
  ServerUnaryReactor* LogSettings(CallbackServerContext* context, const inference::LogSettingsRequest*,
                                  inference::LogSettingsResponse*) override {
    return AnswerNotServed(context, "/inference.GRPCInferenceService/LogSettings", "LogSettings");
  }

 private:
  // Ends the call with what `work` returns, if the caller may make it.
  template <typename Work>
  ServerUnaryReactor* Answer(CallbackServerContext* context, std::string_view method, Work work) const {
    if (auto* refused = guard_.Refuse<ServerUnaryReactor>(*context, method)) return refused;
    ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(wire::ToGrpcStatus(work()));
    return reactor;
  }
  ServerUnaryReactor* AnswerNotServed(CallbackServerContext* context, std::string_view method, const char* what) const {
    return Answer(context, method, [what] { return NotServed(what); });
  }

  const Guard& guard_;
  Operations& operations_;
  Predictor& predictor_;
  StreamCalls& streams_;
  OpenCalls& calls_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeInferenceService(const Guard& guard, Operations& operations, Predictor& predictor,
                                                    StreamCalls& streams, OpenCalls& calls, const Clock& clock) {
  return std::make_unique<InferenceService>(guard, operations, predictor, streams, calls, clock);
}

}  // namespace beak
