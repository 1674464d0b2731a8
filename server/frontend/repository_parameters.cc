#include "server/frontend/repository_parameters.h"

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "proto/inference/open_inference.pb.h"

namespace beak {
namespace {

using inference::ModelRepositoryParameter;

absl::Status CheckRepository(const std::string& name) {
  if (name.empty()) return absl::OkStatus();
  return absl::UnimplementedError("repository_name: expected none, for there is one repository");
}

absl::Status Unknown(const std::string& name) {
  return absl::InvalidArgumentError(absl::StrCat("parameter '", name, "': expected one of the protocol's"));
}

}  // namespace

absl::StatusOr<LoadParameters> ParseLoadParameters(const inference::RepositoryModelLoadRequest& request) {
  RETURN_IF_ERROR(CheckRepository(request.repository_name()));
  LoadParameters parameters;
  for (const auto& [name, value] : request.parameters()) {
    if (name.compare(0, 5, "file:") == 0) {
      return absl::UnimplementedError(
          absl::StrCat("parameter '", name, "': \"file:...\" is not supported; models come from the repository"));
    }
    if (name != "config") return Unknown(name);
    if (value.parameter_choice_case() != ModelRepositoryParameter::kStringParam) {
      return absl::InvalidArgumentError("parameter 'config': expected a string");
    }
    parameters.config_json = value.string_param();
  }
  return parameters;
}

absl::Status CheckUnloadParameters(const inference::RepositoryModelUnloadRequest& request) {
  RETURN_IF_ERROR(CheckRepository(request.repository_name()));
  for (const auto& [name, value] : request.parameters()) {
    if (name != "unload_dependents") return Unknown(name);
    if (value.parameter_choice_case() != ModelRepositoryParameter::kBoolParam) {
      return absl::InvalidArgumentError("parameter 'unload_dependents': expected true or false");
    }
  }
  return absl::OkStatus();
}

}  // namespace beak
