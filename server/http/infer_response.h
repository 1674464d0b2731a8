#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/http/http_message.h"
#include "server/http/infer_request.h"
#include "server/predict/request.h"

namespace beak {

// An answer as the REST protocol wants it: JSON, with the elements of each output in it as one flat list or, where
// `asked` says so, behind it as binary data; then the header Inference-Header-Content-Length says how long the JSON is.
// JSON has no NaN and no infinity: they become null. `asked` is what the request said.
absl::StatusOr<HttpResponse> ToHttp(const PredictResponse& response, const InferBody& asked);

}  // namespace beak
