#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "client/types.h"

// What `beak bench` sends where nobody gave it files. Pure.
namespace beak::cli {

struct InputPlan {
  int64_t rows = 1;                                    // where the model takes batches
  std::map<std::string, std::vector<int64_t>> shapes;  // of inputs by name, whole; others are the model's own
  bool zeros = false;                                  // otherwise random: numbers in [0, 1), whole numbers 0 or 1
};

// "NAME=1x3x480x640" -> its parts; nullopt where it is not that.
std::optional<std::pair<std::string, std::vector<int64_t>>> ParseShape(const std::string& text);

// `given`, and a made-up tensor for each other input of the model; the same ones each time. INVALID_ARGUMENT for an
// input whose free dimensions nobody settled, for strings, and for a shape whose name is no input's.
absl::StatusOr<std::vector<client::TensorValue>> MakeInputs(const client::ModelMetadata& model, bool batched,
                                                            const InputPlan& plan,
                                                            std::vector<client::TensorValue> given);

}  // namespace beak::cli
