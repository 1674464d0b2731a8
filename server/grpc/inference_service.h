#pragma once

#include <memory>
#include <string>

#include "engine/base/clock.h"
#include "server/grpc/open_calls.h"
#include "server/grpc/stream_call.h"
#include "server/models/manager.h"
#include "server/models/readiness.h"
#include "server/predict/predictor.h"

namespace grpc {
class Service;
}

namespace beak {

struct InferenceServiceOptions {
  std::string server_name;
  std::string server_version;
};

// inference.GRPCInferenceService: converts and delegates. Calls that Beak does not serve are answered UNIMPLEMENTED
// with a sentence. *Thread-safe.* The others must outlive it.
std::unique_ptr<grpc::Service> MakeInferenceService(const InferenceServiceOptions& options, ModelManager& models,
                                                    const Readiness& readiness, Predictor& predictor,
                                                    StreamCalls& streams, OpenCalls& calls, const Clock& clock);

}  // namespace beak
