#include "server/grpc/infer_call.h"

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <utility>
#include <vector>

#include "proto/inference/open_inference.pb.h"
#include "server/frontend/convert.h"
#include "server/grpc/call_context.h"

namespace beak {
namespace {

class InferCall final : public grpc::ServerUnaryReactor {
 public:
  InferCall(Predictor& predictor, OpenCalls& calls, const Clock& clock, grpc::CallbackServerContext& context,
            const inference::ModelInferRequest& request, inference::ModelInferResponse* response)
      : call_(calls), predictor_(predictor), context_(context), request_(request), response_(response) {
    const MonotonicTime now = clock.Now();
    PredictRequest converted = ToPredictRequest(request, now, DeadlineOf(context, now), &views_);
    converted.trace = TraceContextOf(context.client_metadata());
    // The answer may come, from another thread, before this assignment: gRPC keeps a Finish back until the reactor is
    // in its hands, and speaks of cancellation only after that.
    prediction_ =
        predictor_.Start(converted, [this](absl::StatusOr<PredictResponse> answer) { Answer(std::move(answer)); });
  }

  // Finish is still owed: the predictor's answer brings it.
  void OnCancel() override {
    if (prediction_) prediction_->Cancel();
  }
  void OnDone() override { delete this; }

 private:
  void Answer(absl::StatusOr<PredictResponse> answer) {
    absl::Status status = answer.ok() ? ToMessage(*std::move(answer), request_.id(), response_) : answer.status();
    Finish(ToFinalStatus(status, context_));
  }

  const OpenCalls::Call call_;
  Predictor& predictor_;
  grpc::CallbackServerContext& context_;
  const inference::ModelInferRequest& request_;
  inference::ModelInferResponse* const response_;
  std::vector<wire::TensorView> views_;
  std::shared_ptr<Prediction> prediction_;
};

}  // namespace

grpc::ServerUnaryReactor* StartInferCall(Predictor& predictor, OpenCalls& calls, const Clock& clock,
                                         grpc::CallbackServerContext& context,
                                         const inference::ModelInferRequest& request,
                                         inference::ModelInferResponse* response) {
  return new InferCall(predictor, calls, clock, context, request, response);
}

}  // namespace beak
