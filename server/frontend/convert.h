#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "proto/wire/tensor_codec.h"
#include "server/predict/request.h"

namespace inference {
class ModelStreamInferResponse;
}

namespace beak {

// A request of the protocol as a front end hands it on, but for its place in a trace. The views that its inputs point
// to go to `views`; they and the message must live until the request has been answered. `deadline` is the call's own;
// the `timeout` parameter may move it forward, never back. What cannot be made out is told in `decoded`:
// INVALID_ARGUMENT, or UNIMPLEMENTED for shared memory.
PredictRequest ToPredictRequest(const inference::ModelInferRequest& message, MonotonicTime received,
                                MonotonicTime deadline, std::vector<wire::TensorView>* views);

// An answer as the protocol wants it: always raw contents, and the request's id.
absl::Status ToMessage(PredictResponse response, const std::string& id, inference::ModelInferResponse* message);

// An answer to a request of a stream, which may be an error, as a stream carries it: with its text in error_message,
// and the request's id in both cases. The status of the answer.
absl::Status ToStreamMessage(absl::StatusOr<PredictResponse> answer, const inference::ModelInferRequest& request,
                             inference::ModelStreamInferResponse* message);

}  // namespace beak
