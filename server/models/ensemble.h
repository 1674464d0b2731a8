#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace inference {
class ModelConfig;
}

namespace beak {

// A model that is made of others. Either a pipeline: tensors have names of its own, and a step runs once those that it
// takes are there. Or an average: every step takes the inputs as they are, and each output is the weighted mean of the
// steps' outputs of that name. *Immutable.*
struct Ensemble {
  struct Step {
    std::string model;
    std::string version;  // empty: the newest that is ready
    // The step's name for a tensor, and the ensemble's.
    std::vector<std::pair<std::string, std::string>> inputs;
    std::vector<std::pair<std::string, std::string>> outputs;
    double weight = 1;  // of an average; all add up to 1
  };

  bool average = false;
  std::vector<Step> steps;  // at least one
};

// Whether a configuration describes an ensemble: there is no file then.
bool DescribesEnsemble(const inference::ModelConfig& config);

// The ensemble that a configuration describes; null where it describes none. INVALID_ARGUMENT, naming step and tensor,
// for one that could never be run: a tensor that nobody makes or two do, a circle, no outputs.
absl::StatusOr<std::shared_ptr<const Ensemble>> MakeEnsemble(const inference::ModelConfig& config);

}  // namespace beak
