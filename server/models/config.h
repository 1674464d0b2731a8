#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/engine.h"

namespace inference {
class ModelConfig;
}

namespace beak {

// A configuration as somebody wrote it. A value type; the message is never null.
struct ConfigFile {
  std::shared_ptr<const inference::ModelConfig> config;
  bool has_max_batch_size = false;  // written, be it 0
};

// What stands in for a file that is not there.
ConfigFile EmptyConfig();

// Reads config.pbtxt, the text form of inference.ModelConfig. INVALID_ARGUMENT with `source`, line and column for what
// it cannot read, unknown fields included.
absl::StatusOr<ConfigFile> ParseConfig(const std::string& text, const std::string& source);

// UNIMPLEMENTED naming the first thing the configuration asks for that Beak does not have: another backend,
// sequence batching, GPUs ...
absl::Status CheckSupported(const inference::ModelConfig& config);

// The configuration under which a network with these inputs and outputs is served as model `name`: what was written,
// checked against the network, and completed from it where it is silent.
//
// `dims` leave out the batch dimension where max_batch_size > 0. Where max_batch_size is not written it follows from
// the number of written dims; without those it is 64 if the first dimension of all inputs and outputs is free, else 0.
// Inputs that are not written are added; outputs are added only where none is written, for a model may hide some.
// INVALID_ARGUMENT where file and network disagree, UNIMPLEMENTED as CheckSupported.
absl::StatusOr<std::shared_ptr<const inference::ModelConfig>> CompleteConfig(const ConfigFile& file,
                                                                             const std::string& name,
                                                                             const std::vector<TensorSpec>& inputs,
                                                                             const std::vector<TensorSpec>& outputs);

// The same for an ensemble, whose inputs and outputs are those that are written: no network tells them.
absl::StatusOr<std::shared_ptr<const inference::ModelConfig>> CompleteEnsembleConfig(const ConfigFile& file,
                                                                                     const std::string& name);

}  // namespace beak
