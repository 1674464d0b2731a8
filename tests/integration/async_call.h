#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <future>
#include <utility>

#include "tests/integration/serving.h"

namespace beak::testing {

// A ModelInfer call that is under way from the beginning; waits for its end.
class AsyncCall {
 public:
  // `over` is told, on a thread of gRPC's, before Await returns.
  AsyncCall(
      InferenceStub& stub, inference::ModelInferRequest request, std::function<void()> over = [] {})
      : request_(std::move(request)), future_(promise_.get_future()) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(2));
    stub.async()->ModelInfer(&context_, &request_, &response_, [this, over](const grpc::Status& status) {
      over();
      promise_.set_value(status);
    });
  }
  ~AsyncCall() { future_.wait(); }

  grpc::ClientContext& context() { return context_; }
  const grpc::Status& Await() { return future_.get(); }
  // Once it is over.
  const inference::ModelInferResponse& response() const { return response_; }

 private:
  const inference::ModelInferRequest request_;
  grpc::ClientContext context_;
  inference::ModelInferResponse response_;
  std::promise<grpc::Status> promise_;
  const std::shared_future<grpc::Status> future_;
};

}  // namespace beak::testing
