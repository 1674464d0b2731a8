#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/frontend/operations.h"
#include "server/http/infer_request.h"

namespace beak {

// A request whose whole body is the one input of a model, a batch of 1, and whose outputs are all binary. The shape is
// the model's; one dimension that it leaves free is computed from the bytes. INVALID_ARGUMENT where the model has more
// inputs, or more free dimensions, or the bytes do not make up whole elements of it.
absl::StatusOr<InferBody> RawRequest(const Operations& operations, const std::string& model, const std::string& version,
                                     std::string body);

}  // namespace beak
