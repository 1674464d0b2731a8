#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/models/config.h"

namespace beak {

// Reads the JSON form of inference.ModelConfig, in which a client asks for a model to be loaded. INVALID_ARGUMENT for
// what it cannot read, unknown fields included, and for text beyond 1 MiB.
absl::StatusOr<ConfigFile> ParseConfigJson(const std::string& json);

// `file` with each field that `override` has taken from there, whole: nothing is merged within a field.
ConfigFile ApplyOverride(const ConfigFile& file, const ConfigFile& override);

// INVALID_ARGUMENT where a file that the configuration names could lie outside the model's folder.
absl::Status CheckFileNames(const inference::ModelConfig& config);

}  // namespace beak
