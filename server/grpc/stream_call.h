#pragma once

#include <memory>

#include "engine/base/clock.h"
#include "server/frontend/open_calls.h"
#include "server/predict/predictor.h"

namespace grpc {
class CallbackServerContext;
template <class Request, class Response>
class ServerBidiReactor;
}  // namespace grpc

namespace inference {
class ModelInferRequest;
class ModelStreamInferResponse;
}  // namespace inference

namespace beak {

// The ModelStreamInfer calls of a server. Requests of one stream are under way at the same time, their answers leave in
// the order of the requests. Errors are answers like others, unless the client's metadata say `triton_grpc_error:
// true`: then the first one ends the stream with its status. The stream's deadline is that of each of its requests.
// *Thread-safe.* Must outlive the gRPC server that its calls come from; the others must outlive it.
class StreamCalls {
 public:
  using Reactor = grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>;

  static std::unique_ptr<StreamCalls> Create(Predictor& predictor, OpenCalls& calls, const Clock& clock);
  virtual ~StreamCalls() = default;

  // A call begins. The result belongs to gRPC until it says that the call is over.
  virtual Reactor* Start(grpc::CallbackServerContext& context) = 0;

  // Ends all calls, those that come later too, with UNAVAILABLE: as soon as the requests that they have are answered.
  virtual void EndAll() = 0;
};

}  // namespace beak
