// A bare gRPC server whose ModelInfer sends the request's tensors back: what the transport alone can do.
// Prints "beak-benchmark-echo ready grpc=HOST:PORT" on stderr; SIGTERM or SIGINT ends it.

#include <grpcpp/grpcpp.h>

#include <csignal>
#include <cstdint>
#include <iostream>
#include <memory>

#include "proto/inference/open_inference.grpc.pb.h"

namespace beak {
namespace {

class EchoService final : public inference::GRPCInferenceService::CallbackService {
  // The lecture network's, whatever the model.
  grpc::ServerUnaryReactor* ModelMetadata(grpc::CallbackServerContext* context,
                                          const inference::ModelMetadataRequest* request,
                                          inference::ModelMetadataResponse* response) override {
    response->set_name(request->name());
    auto& input = *response->add_inputs();
    input.set_name("input");
    input.set_datatype("FP32");
    for (const int64_t dim : {1, 1, 28, 28}) input.add_shape(dim);
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  grpc::ServerUnaryReactor* ModelInfer(grpc::CallbackServerContext* context,
                                       const inference::ModelInferRequest* request,
                                       inference::ModelInferResponse* response) override {
    for (const auto& input : request->inputs()) {
      auto* output = response->add_outputs();
      output->set_name(input.name());
      output->set_datatype(input.datatype());
      *output->mutable_shape() = input.shape();
    }
    *response->mutable_raw_output_contents() = request->raw_input_contents();
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

int Serve() {
  sigset_t stop_signals;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop_signals, nullptr);  // before gRPC starts its threads

  EchoService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) {
    std::cerr << "beak-benchmark-echo: cannot listen\n";
    return 1;
  }
  std::cerr << "beak-benchmark-echo ready grpc=127.0.0.1:" << port << std::endl;
  int signal = 0;
  sigwait(&stop_signals, &signal);
  server->Shutdown();
  return 0;
}

}  // namespace
}  // namespace beak

int main() { return beak::Serve(); }
