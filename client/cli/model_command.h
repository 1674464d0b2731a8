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

}  // namespace beak::cli
