#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/jobs/job_manager.h"
#include "server/models/manager.h"

namespace beak {

// What train jobs see of the models that are served. *Thread-safe.*
class RepositoryModels final : public ServedModels {
 public:
  // `elsewhere`: the models that are served from files outside the repository. `models` must outlive it.
  RepositoryModels(ModelManager& models, std::set<std::string> elsewhere)
      : models_(models), elsewhere_(std::move(elsewhere)) {}

  absl::StatusOr<Version> Find(const std::string& model, int64_t version) const override;
  std::vector<int64_t> InUse(const std::string& model) const override;
  void Published(const std::string& model, int64_t version) override;
  absl::Status CheckPublishable(const std::string& model) const override;

 private:
  ModelManager& models_;
  const std::set<std::string> elsewhere_;
};

}  // namespace beak
