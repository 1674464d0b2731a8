#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/models/lifecycle.h"
#include "server/models/model_version.h"

namespace beak {

struct VersionEntry {
  VersionState state = VersionState::kLoading;
  std::string reason;                           // why it is in this state, where there is more to say
  std::shared_ptr<const ModelVersion> version;  // kReady only
};

struct ModelEntry {
  std::map<int64_t, VersionEntry> versions;
  std::vector<int64_t> wanted;  // what the version policy selects, rising; whether it is loaded or not
  std::string reason;           // why there are no versions; empty where nobody has asked for any
};

// All that is known of all models at one moment: what a request is routed by and what the index shows. *Immutable* once
// published, so that whoever holds one is never disturbed by loading.
struct ModelSnapshot {
  std::map<std::string, ModelEntry> models;

  // The version to serve a request: the newest that is ready where `version` is empty. NOT_FOUND for an unknown model
  // or version, UNAVAILABLE for one that is not ready, INVALID_ARGUMENT for a version that is no whole number.
  absl::StatusOr<std::shared_ptr<const ModelVersion>> Find(const std::string& model, const std::string& version) const;

  bool HasReadyVersion(const std::string& model) const;
};

}  // namespace beak
