#include "server/grpc/inference_service.h"

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/inference/open_inference.grpc.pb.h"
#include "proto/wire/status.h"
#include "server/grpc/describe.h"
#include "server/grpc/infer_call.h"
#include "server/grpc/repository_parameters.h"

namespace beak {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

// What of the protocol's extensions is real here.
constexpr const char* kExtensions[] = {"classification",      "model_repository", "model_repository(unload_dependents)",
                                       "model_configuration", "parameters",       "statistics"};

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
  InferenceService(InferenceServiceOptions options, ModelManager& models, const Readiness& readiness,
                   Predictor& predictor, StreamCalls& streams, OpenCalls& calls, const Clock& clock)
      : options_(std::move(options)),
        models_(models),
        readiness_(readiness),
        predictor_(predictor),
        streams_(streams),
        calls_(calls),
        clock_(clock) {}

  ServerUnaryReactor* ServerLive(CallbackServerContext* context, const inference::ServerLiveRequest*,
                                 inference::ServerLiveResponse* response) override {
    response->set_live(true);
    return Answer(context);
  }

  ServerUnaryReactor* ServerReady(CallbackServerContext* context, const inference::ServerReadyRequest*,
                                  inference::ServerReadyResponse* response) override {
    response->set_ready(readiness_.ready());
    return Answer(context);
  }

  // A model that is unknown is not ready; that is no error.
  ServerUnaryReactor* ModelReady(CallbackServerContext* context, const inference::ModelReadyRequest* request,
                                 inference::ModelReadyResponse* response) override {
    response->set_ready(!readiness_.stopping() && models_.snapshot()->Find(request->name(), request->version()).ok());
    return Answer(context);
  }

  ServerUnaryReactor* ServerMetadata(CallbackServerContext* context, const inference::ServerMetadataRequest*,
                                     inference::ServerMetadataResponse* response) override {
    response->set_name(options_.server_name);
    response->set_version(options_.server_version);
    for (const char* extension : kExtensions) response->add_extensions(extension);
    return Answer(context);
  }

  ServerUnaryReactor* ModelMetadata(CallbackServerContext* context, const inference::ModelMetadataRequest* request,
                                    inference::ModelMetadataResponse* response) override {
    return Answer(context, Describe(*models_.snapshot(), request->name(), request->version(), response));
  }

  ServerUnaryReactor* ModelInfer(CallbackServerContext* context, const inference::ModelInferRequest* request,
                                 inference::ModelInferResponse* response) override {
    return StartInferCall(predictor_, calls_, clock_, *context, *request, response);
  }

  StreamCalls::Reactor* ModelStreamInfer(CallbackServerContext* context) override { return streams_.Start(*context); }

  ServerUnaryReactor* ModelConfig(CallbackServerContext* context, const inference::ModelConfigRequest* request,
                                  inference::ModelConfigResponse* response) override {
    const auto version = models_.snapshot()->Find(request->name(), request->version());
    if (version.ok()) *response->mutable_config() = (*version)->config();
    return Answer(context, version.status());
  }

  ServerUnaryReactor* ModelStatistics(CallbackServerContext* context, const inference::ModelStatisticsRequest* request,
                                      inference::ModelStatisticsResponse* response) override {
    return Answer(context, DescribeStatistics(*models_.snapshot(), request->name(), request->version(), response));
  }

  ServerUnaryReactor* RepositoryIndex(CallbackServerContext* context, const inference::RepositoryIndexRequest* request,
                                      inference::RepositoryIndexResponse* response) override {
    if (!request->repository_name().empty()) {
      return Answer(context, absl::UnimplementedError("repository_name: expected none, for there is one repository"));
    }
    DescribeIndex(*models_.snapshot(), request->ready(), response);
    return Answer(context);
  }

  // Both are answered when the manager says so: loading may take its time.
  ServerUnaryReactor* RepositoryModelLoad(CallbackServerContext* context,
                                          const inference::RepositoryModelLoadRequest* request,
                                          inference::RepositoryModelLoadResponse*) override {
    const absl::StatusOr<LoadParameters> parameters = ParseLoadParameters(*request);
    if (!parameters.ok()) return Answer(context, parameters.status());
    ServerUnaryReactor* reactor = context->DefaultReactor();  // once: a second call would make it anew
    models_.Load(request->model_name(), parameters->config_json, AnswerLater(reactor, calls_));
    return reactor;
  }
  ServerUnaryReactor* RepositoryModelUnload(CallbackServerContext* context,
                                            const inference::RepositoryModelUnloadRequest* request,
                                            inference::RepositoryModelUnloadResponse*) override {
    const absl::Status valid = CheckUnloadParameters(*request);
    if (!valid.ok()) return Answer(context, valid);
    ServerUnaryReactor* reactor = context->DefaultReactor();
    models_.Unload(request->model_name(), AnswerLater(reactor, calls_));
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
  const InferenceServiceOptions options_;
  ModelManager& models_;
  const Readiness& readiness_;
  Predictor& predictor_;
  StreamCalls& streams_;
  OpenCalls& calls_;
  const Clock& clock_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeInferenceService(const InferenceServiceOptions& options, ModelManager& models,
                                                    const Readiness& readiness, Predictor& predictor,
                                                    StreamCalls& streams, OpenCalls& calls, const Clock& clock) {
  return std::make_unique<InferenceService>(options, models, readiness, predictor, streams, calls, clock);
}

}  // namespace beak
