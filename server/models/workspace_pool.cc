#include "server/models/workspace_pool.h"

#include <algorithm>

namespace beak {

WorkspaceLease::~WorkspaceLease() {
  if (workspace_) pool_->Return({std::move(program_), std::move(workspace_)});
}

absl::Status WorkspaceLease::Run(const CancelToken* cancel) {
  RunOptions options;
  options.cancel = cancel;
  return program_->Run(*workspace_, options);
}

WorkspaceLease WorkspacePool::Acquire(std::shared_ptr<const Program> program) {
  std::list<Idle> found;
  {
    MutexLock lock(mutex_);
    const auto idle =
        std::find_if(idle_.begin(), idle_.end(), [&](const Idle& entry) { return entry.program == program; });
    if (idle != idle_.end()) found.splice(found.begin(), idle_, idle);
  }
  std::unique_ptr<Workspace> workspace =
      found.empty() ? program->CreateWorkspace() : std::move(found.front().workspace);
  return WorkspaceLease(this, std::move(program), std::move(workspace));
}

void WorkspacePool::Return(Idle idle) {
  std::list<Idle> excess;  // freed after the lock is released
  MutexLock lock(mutex_);
  idle_.push_front(std::move(idle));
  while (static_cast<int>(idle_.size()) > max_idle_) excess.splice(excess.begin(), idle_, std::prev(idle_.end()));
}

}  // namespace beak
