#pragma once

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "server/models/manager.h"
#include "server/models/readiness.h"
#include "server/observe/audit.h"

namespace inference {
class ModelConfigRequest;
class ModelConfigResponse;
class ModelMetadataRequest;
class ModelMetadataResponse;
class ModelReadyRequest;
class ModelStatisticsRequest;
class ModelStatisticsResponse;
class RepositoryIndexRequest;
class RepositoryIndexResponse;
class RepositoryModelLoadRequest;
class RepositoryModelUnloadRequest;
class ServerMetadataResponse;
}  // namespace inference

namespace beak {

// UNIMPLEMENTED: part of the protocol, but not of this server.
absl::Status NotServed(const char* what);

// What the protocol asks of the server beside predictions, in its messages: every front end answers with these.
// *Thread-safe.* The others must outlive it.
class Operations {
 public:
  Operations(std::string server_name, std::string server_version, ModelManager& models, const Readiness& readiness)
      : server_name_(std::move(server_name)),
        server_version_(std::move(server_version)),
        models_(models),
        readiness_(readiness) {}

  // The first loading is over, and the end has not begun.
  bool ServerReady() const;
  // A model that is unknown is not ready; that is no error.
  bool ModelReady(const inference::ModelReadyRequest& request) const;
  void ServerMetadata(inference::ServerMetadataResponse* response) const;

  // NOT_FOUND, UNAVAILABLE, as ModelSnapshot::Find says.
  absl::Status ModelMetadata(const inference::ModelMetadataRequest& request,
                             inference::ModelMetadataResponse* response) const;
  absl::Status ModelConfig(const inference::ModelConfigRequest& request,
                           inference::ModelConfigResponse* response) const;
  absl::Status ModelStatistics(const inference::ModelStatisticsRequest& request,
                               inference::ModelStatisticsResponse* response) const;
  // UNIMPLEMENTED for a repository by name.
  absl::Status RepositoryIndex(const inference::RepositoryIndexRequest& request,
                               inference::RepositoryIndexResponse* response) const;

  // Both are answered when the manager says so, on any thread, or before they return: loading may take its time. Each
  // leaves a line in the log (Audit) that names the caller, once its outcome is known.
  void Load(const inference::RepositoryModelLoadRequest& request, const Caller& caller, ModelManager::Done done);
  void Unload(const inference::RepositoryModelUnloadRequest& request, const Caller& caller, ModelManager::Done done);

 private:
  const std::string server_name_;
  const std::string server_version_;
  ModelManager& models_;
  const Readiness& readiness_;
};

}  // namespace beak
