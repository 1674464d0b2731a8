#include "server/grpc/infer_call.h"

#include <grpc/support/time.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "proto/inference/open_inference.pb.h"
#include "proto/wire/status.h"
#include "server/grpc/convert.h"

namespace beak {
namespace {

// The call's deadline on our clock. gRPC keeps it on a clock of its own choice, so it is carried over as time left.
MonotonicTime DeadlineOf(const grpc::CallbackServerContext& context, MonotonicTime now) {
  constexpr int64_t kForever = int64_t{10} * 365 * 24 * 3600;
  const gpr_timespec deadline = context.raw_deadline();
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  if (left.tv_sec > kForever) return kNever;
  if (left.tv_sec < 0) return now;
  return now + std::chrono::seconds(left.tv_sec) + std::chrono::nanoseconds(left.tv_nsec);
}

class InferCall final : public grpc::ServerUnaryReactor {
 public:
  InferCall(Predictor& predictor, const Clock& clock, grpc::CallbackServerContext& context,
            const inference::ModelInferRequest& request, inference::ModelInferResponse* response)
      : predictor_(predictor), request_(request), response_(response) {
    const MonotonicTime now = clock.Now();
    const PredictRequest converted = ToPredictRequest(request, now, DeadlineOf(context, now), &views_);
    // The answer may come, from another thread, before this assignment: gRPC keeps a Finish back until the reactor is
    // in its hands, and speaks of cancellation only after that.
    task_ = predictor_.Start(converted, [this](absl::StatusOr<PredictResponse> answer) { Answer(std::move(answer)); });
  }

  // Finish is still owed: the predictor's answer brings it.
  void OnCancel() override { predictor_.Cancel(task_); }
  void OnDone() override { delete this; }

 private:
  void Answer(absl::StatusOr<PredictResponse> answer) {
    absl::Status status = answer.ok() ? ToMessage(*std::move(answer), request_.id(), response_) : answer.status();
    Finish(wire::ToGrpcStatus(status));
  }

  Predictor& predictor_;
  const inference::ModelInferRequest& request_;
  inference::ModelInferResponse* const response_;
  std::vector<wire::TensorView> views_;
  std::shared_ptr<Task> task_;
};

}  // namespace

grpc::ServerUnaryReactor* StartInferCall(Predictor& predictor, const Clock& clock, grpc::CallbackServerContext& context,
                                         const inference::ModelInferRequest& request,
                                         inference::ModelInferResponse* response) {
  return new InferCall(predictor, clock, context, request, response);
}

}  // namespace beak
