#include "server/models/model_version.h"

#include <utility>

#include "engine/base/status.h"

namespace beak {

ModelVersion::ModelVersion(Parts parts) : parts_(std::move(parts)), workspaces_(parts_.max_idle_workspaces) {}

absl::StatusOr<WorkspaceLease> ModelVersion::Acquire(const std::vector<Shape>& shapes, int threads) const {
  ASSIGN_OR_RETURN(std::shared_ptr<const Program> program, parts_.network->GetProgram(shapes, threads));
  return workspaces_.Acquire(std::move(program));
}

}  // namespace beak
