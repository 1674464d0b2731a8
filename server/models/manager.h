#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/cancel.h"
#include "engine/base/mutex.h"
#include "server/models/load.h"
#include "server/models/repository.h"
#include "server/models/snapshot.h"
#include "server/observe/metrics.h"

namespace beak {

// A model that is one file, without a repository; it becomes version 1.
struct ModelFile {
  std::string name;
  std::string path;
};

// Knows which models there are and publishes what can be served. One thread at a time loads; *thread-safe* for readers,
// who share no lock with it.
class ModelManager {
 public:
  struct Options {
    std::string repository;  // empty: none
    std::vector<ModelFile> files;
    int lanes = 1;  // that will run the models
  };

  // Looks at what is on disk and decides what will be loaded; loads nothing yet. An error where the repository or one
  // of the files cannot be read, or a name is bad or given twice; an empty repository is only a warning. `metrics` must
  // outlive it.
  static absl::StatusOr<std::unique_ptr<ModelManager>> Create(const Options& options, Metrics& metrics);

  // Called after every change of the snapshot, without a lock held, on the thread that loads. Set before LoadAll.
  void OnChange(std::function<void()> changed) { changed_ = std::move(changed); }

  // Loads everything, by name. What fails is logged and published with its reason, and stops nothing else. Returns
  // early once `stop` is cancelled.
  void LoadAll(const CancelToken& stop);

  // True when LoadAll is through: everything that was there at start has loaded or failed.
  bool first_load_done() const { return first_load_done_.load(); }

  std::shared_ptr<const ModelSnapshot> snapshot() const { return snapshot_.load(); }

  // Brings gauges up to date that follow the versions' caches.
  void RefreshMetrics() const;

 private:
  ModelManager(const Options& options, Metrics& metrics) : options_(options), metrics_(metrics) {}

  absl::Status Plan(ModelSnapshot* snapshot);
  void PlanFolder(const ModelFolder& folder, ModelSnapshot* snapshot);
  absl::Status PlanFile(const ModelFile& file, ModelSnapshot* snapshot);
  void Fail(const std::string& model, int64_t version, const absl::Status& status, VersionEntry* entry);
  void Load(const VersionSource& source);
  // Takes the step in the chain of states, in metrics too, and publishes it.
  void Publish(const std::string& model, int64_t version, VersionEntry entry);

  const Options options_;
  Metrics& metrics_;
  std::function<void()> changed_;

  std::vector<VersionSource> planned_;  // by name and version; touched by the thread that loads only
  std::atomic<bool> first_load_done_{false};
  std::atomic<std::shared_ptr<const ModelSnapshot>> snapshot_{std::make_shared<const ModelSnapshot>()};
};

}  // namespace beak
