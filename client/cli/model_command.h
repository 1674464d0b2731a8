#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "client/cli/connection.h"

namespace beak::cli {

// The flags of `beak model ...`.
struct ModelFlags {
  Connection connection;
  std::string model;  // empty: all, where a command allows it
  std::string version;
  bool json = false;
};

// Each asks the server and returns what is to be printed on stdout.
absl::StatusOr<std::string> ListModels(const ModelFlags& flags);
absl::StatusOr<std::string> ShowConfig(const ModelFlags& flags);
absl::StatusOr<std::string> ShowStatistics(const ModelFlags& flags);

// Each has the server do something, and waits until it is done. A version that is given is pinned: that one and no
// other, until the model is loaded without.
absl::StatusOr<std::string> LoadModel(const ModelFlags& flags);
absl::StatusOr<std::string> UnloadModel(const ModelFlags& flags);

}  // namespace beak::cli
