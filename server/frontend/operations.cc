#include "server/frontend/operations.h"

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "proto/inference/open_inference.pb.h"
#include "server/frontend/describe.h"
#include "server/frontend/repository_parameters.h"

namespace beak {
namespace {

// What of the protocol's extensions is real here.
constexpr const char* kExtensions[] = {"classification",      "model_repository", "model_repository(unload_dependents)",
                                       "model_configuration", "parameters",       "statistics"};

// Leaves a line in the log before the answer is given.
ModelManager::Done Audited(const char* action, const std::string& model, const Caller& caller,
                           ModelManager::Done answer) {
  return [action, model, caller, answer = std::move(answer)](const absl::Status& status) {
    Audit(action, "model", model, caller, status);
    answer(status);
  };
}

}  // namespace

absl::Status NotServed(const char* what) {
  return absl::UnimplementedError(absl::StrCat(what, " is not served by this server"));
}

bool Operations::ServerReady() const { return readiness_.ready(); }

bool Operations::ModelReady(const inference::ModelReadyRequest& request) const {
  return !readiness_.stopping() && models_.snapshot()->Find(request.name(), request.version()).ok();
}

void Operations::ServerMetadata(inference::ServerMetadataResponse* response) const {
  response->set_name(server_name_);
  response->set_version(server_version_);
  for (const char* extension : kExtensions) response->add_extensions(extension);
}

absl::Status Operations::ModelMetadata(const inference::ModelMetadataRequest& request,
                                       inference::ModelMetadataResponse* response) const {
  return Describe(*models_.snapshot(), request.name(), request.version(), response);
}

absl::Status Operations::ModelConfig(const inference::ModelConfigRequest& request,
                                     inference::ModelConfigResponse* response) const {
  ASSIGN_OR_RETURN(const auto version, models_.snapshot()->Find(request.name(), request.version()));
  *response->mutable_config() = version->config();
  return absl::OkStatus();
}

absl::Status Operations::ModelStatistics(const inference::ModelStatisticsRequest& request,
                                         inference::ModelStatisticsResponse* response) const {
  return DescribeStatistics(*models_.snapshot(), request.name(), request.version(), response);
}

absl::Status Operations::RepositoryIndex(const inference::RepositoryIndexRequest& request,
                                         inference::RepositoryIndexResponse* response) const {
  if (!request.repository_name().empty()) {
    return absl::UnimplementedError("repository_name: expected none, for there is one repository");
  }
  DescribeIndex(*models_.snapshot(), request.ready(), response);
  return absl::OkStatus();
}

void Operations::Load(const inference::RepositoryModelLoadRequest& request, const Caller& caller,
                      ModelManager::Done answer) {
  ModelManager::Done done = Audited("load", request.model_name(), caller, std::move(answer));
  absl::StatusOr<LoadParameters> parameters = ParseLoadParameters(request);
  if (!parameters.ok()) return done(parameters.status());
  models_.Load(request.model_name(), std::move(parameters->config_json), std::move(done));
}

void Operations::Unload(const inference::RepositoryModelUnloadRequest& request, const Caller& caller,
                        ModelManager::Done answer) {
  ModelManager::Done done = Audited("unload", request.model_name(), caller, std::move(answer));
  const absl::Status valid = CheckUnloadParameters(request);
  if (!valid.ok()) return done(valid);
  models_.Unload(request.model_name(), std::move(done));
}

}  // namespace beak
