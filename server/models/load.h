#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "server/models/config.h"
#include "server/models/model_version.h"
#include "server/observe/metrics.h"

namespace beak {

// Where a version comes from.
struct VersionSource {
  std::string model;
  int64_t version = 1;
  std::string file;          // the network
  std::string label_folder;  // where label_filename is looked for
  ConfigFile config;
  std::string folder;  // the version's own; empty where the file is all there is
};

// Reads a version, checks it and compiles its network for the batches that so many lanes will run, where the shapes are
// known, so that a network that cannot run fails here and not at its first request; runs the warm-up of its
// configuration and proves it on the golden samples that its folder has. Errors say what is wrong with which file;
// CANCELLED once it is seen to be asked to stop.
absl::StatusOr<std::shared_ptr<const ModelVersion>> LoadVersion(const VersionSource& source, int lanes,
                                                                Metrics& metrics, const CancelToken* stop = nullptr);

}  // namespace beak
