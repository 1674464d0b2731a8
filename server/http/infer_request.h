#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/inference/open_inference.pb.h"

namespace beak {

// The body of an infer request: JSON, and after it the binary data of those inputs that say so.
struct InferBody {
  inference::ModelInferRequest message;  // without the model's name; inputs are raw
  absl::Status decoded;         // not OK: what is wrong with an input or an output, said when the model is known
  bool binary_outputs = false;  // what the client wants for outputs that do not say
  std::vector<std::optional<bool>> binary_output;  // what it says for each requested output

  // Whether the output that is `index`th in the answer goes out as binary data.
  bool Binary(size_t index) const {
    return index < binary_output.size() ? binary_output[index].value_or(binary_outputs) : binary_outputs;
  }
};

// INVALID_ARGUMENT: what is wrong with the JSON, and where. What it all means for a model is checked later, as for
// every request.
absl::StatusOr<InferBody> ParseInferBody(std::string_view json, std::string_view binary);

}  // namespace beak
