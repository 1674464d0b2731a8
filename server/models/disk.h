#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "server/models/config.h"
#include "server/models/load.h"
#include "server/models/reconcile.h"

// What is on disk at one moment, as far as serving it goes.
namespace beak {

// A model that is one file, without a repository; it becomes version 1.
struct ModelFile {
  std::string name;
  std::string path;
};

struct ModelFiles {
  std::string folder;  // of the repository; empty where `file` is all there is
  std::string file;
  bool taken = true;                 // false: the repository has more models than are taken; nothing of it is read
  std::string config_text;           // config.pbtxt as it was read
  absl::Status config_status;        // why it cannot be used
  ConfigFile config;                 // in force: the last that could be read, overrides applied
  ConfigFile written;                // without overrides
  ModelOnDisk state;                 // a version's fingerprint covers what the configuration says of it, too
  std::map<int64_t, int64_t> bytes;  // of each version's files
};

using Disk = std::map<std::string, ModelFiles>;

// Configurations in which an operator had models loaded.
using ConfigOverrides = std::map<std::string, ConfigFile>;

// Whether what has been seen for the first time, or has just changed, counts as settled.
enum class Trust { kAtOnce, kWhenStill };

// Looks at every model of `repository` (empty: none) and at `files`. Of the repository's, `max_models` are taken: those
// that were `before`, and then by name; the others' versions fail. What cannot be read now, but could `before`, is as
// it was then. INVALID_ARGUMENT, NOT_FOUND or PERMISSION_DENIED as ScanRepository where the repository itself cannot be
// read, or, with kAtOnce, holds a folder whose name is no model's.
absl::StatusOr<Disk> ScanDisk(const std::string& repository, const std::vector<ModelFile>& files,
                              const ConfigOverrides& overrides, const Disk& before, Trust trust,
                              int64_t max_models = INT64_MAX);

// Looks at one model again. NOT_FOUND where there is none of that name.
absl::StatusOr<ModelFiles> ScanModel(const std::string& repository, const std::vector<ModelFile>& files,
                                     const std::string& name, const ConfigOverrides& overrides, const Disk& before,
                                     int64_t max_models = INT64_MAX);

// Where a version is to be loaded from, and how, or why it cannot be.
absl::StatusOr<VersionSource> SourceOf(const std::string& model, const ModelFiles& files, int64_t version);

}  // namespace beak
