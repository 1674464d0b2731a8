#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace inference {
class RepositoryModelLoadRequest;
class RepositoryModelUnloadRequest;
}  // namespace inference

namespace beak {

struct LoadParameters {
  std::optional<std::string> config_json;
};

// What a load call asks for beside the model. UNIMPLEMENTED for "file:..." parameters (models that come with the call)
// and for named repositories; INVALID_ARGUMENT for other parameters that the protocol does not have, and for wrong
// types.
absl::StatusOr<LoadParameters> ParseLoadParameters(const inference::RepositoryModelLoadRequest& request);

// The same for an unload call. "unload_dependents" is taken, and changes nothing: no model depends on another.
absl::Status CheckUnloadParameters(const inference::RepositoryModelUnloadRequest& request);

}  // namespace beak
