#pragma once

#include "engine/base/clock.h"
#include "server/frontend/open_calls.h"
#include "server/predict/predictor.h"

namespace grpc {
class CallbackServerContext;
class ServerUnaryReactor;
}  // namespace grpc

namespace inference {
class ModelInferRequest;
class ModelInferResponse;
}  // namespace inference

namespace beak {

// Starts a ModelInfer call: converts the request, hands it to the predictor, and answers when that does. The result
// owns itself; gRPC tells it when the call is over or cancelled.
grpc::ServerUnaryReactor* StartInferCall(Predictor& predictor, OpenCalls& calls, const Clock& clock,
                                         grpc::CallbackServerContext& context,
                                         const inference::ModelInferRequest& request,
                                         inference::ModelInferResponse* response);

}  // namespace beak
