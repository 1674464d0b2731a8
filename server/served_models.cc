#include "server/served_models.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"
#include "server/models/repository.h"
#include "server/models/snapshot.h"

namespace beak {
namespace {

bool IsLoading(const ModelSnapshot& snapshot, const std::string& model, int64_t version) {
  const auto entry = snapshot.models.find(model);
  if (entry == snapshot.models.end()) return false;
  return std::any_of(entry->second.versions.begin(), entry->second.versions.end(), [version](const auto& one) {
    return (version == 0 || one.first == version) && one.second.state == VersionState::kLoading;
  });
}

}  // namespace

absl::StatusOr<ServedModels::Version> RepositoryModels::Find(const std::string& model, int64_t version) const {
  // In this order: what is loaded meanwhile is in the snapshot.
  const bool all_loaded = models_.first_load_done();
  const std::shared_ptr<const ModelSnapshot> snapshot = models_.snapshot();
  const auto found = snapshot->Find(model, version == 0 ? "" : std::to_string(version));
  if (!found.ok()) {
    const bool may_come = !all_loaded || IsLoading(*snapshot, model, version);
    return absl::Status(may_come ? absl::StatusCode::kUnavailable : absl::StatusCode::kNotFound,
                        found.status().message());
  }
  if ((*found)->ensemble() != nullptr) {
    return absl::FailedPreconditionError(absl::StrCat("model '", model, "': expected a network, got an ensemble"));
  }
  return Version{(*found)->version(), (*found)->file()};
}

std::vector<int64_t> RepositoryModels::InUse(const std::string& model) const {
  const std::shared_ptr<const ModelSnapshot> snapshot = models_.snapshot();
  const auto entry = snapshot->models.find(model);
  if (entry == snapshot->models.end()) return {};
  std::set<int64_t> versions(entry->second.wanted.begin(), entry->second.wanted.end());
  for (const auto& [version, held] : entry->second.versions) {
    if (held.state != VersionState::kUnloaded) versions.insert(version);
  }
  return {versions.begin(), versions.end()};
}

void RepositoryModels::Published(const std::string& model, int64_t /*version*/) { models_.LookSoon(model); }

absl::Status RepositoryModels::CheckPublishable(const std::string& model) const {
  RETURN_IF_ERROR(CheckModelName(model));
  if (model.front() == '.') {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a name that does not begin with a dot, got '", model, "'"));
  }
  if (elsewhere_.count(model) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("'", model, "': expected a model of the repository, got one that is served from a file elsewhere"));
}

}  // namespace beak
