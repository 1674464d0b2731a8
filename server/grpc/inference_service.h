#pragma once

#include <memory>

#include "engine/base/clock.h"
#include "server/frontend/open_calls.h"
#include "server/frontend/operations.h"
#include "server/grpc/guard.h"
#include "server/grpc/stream_call.h"
#include "server/predict/predictor.h"

namespace grpc {
class Service;
}

namespace beak {

// inference.GRPCInferenceService: converts and delegates. Calls that Beak does not serve are answered UNIMPLEMENTED
// with a sentence. *Thread-safe.* The others must outlive it.
std::unique_ptr<grpc::Service> MakeInferenceService(const Guard& guard, Operations& operations, Predictor& predictor,
                                                    StreamCalls& streams, OpenCalls& calls, const Clock& clock);

}  // namespace beak
