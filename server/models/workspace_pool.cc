#include "server/models/workspace_pool.h"

#include <algorithm>

namespace beak {
namespace {

// Kept in any case: what programs of small networks take.
constexpr size_t kLittleBytes = size_t{8} << 20;
// A workspace is more than its memory.
constexpr size_t kMaxIdle = 64;

}  // namespace

WorkspaceLease::~WorkspaceLease() {
  if (workspace_) pool_->Return({std::move(program_), std::move(workspace_)});
}

absl::Status WorkspaceLease::Run(const StopCondition* stop) {
  RunOptions options;
  options.stop = stop;
  return program_->Run(*workspace_, options);
}

WorkspaceLease WorkspacePool::Acquire(std::shared_ptr<const Program> program) {
  std::list<Idle> found;
  {
    MutexLock lock(mutex_);
    const auto idle =
        std::find_if(idle_.begin(), idle_.end(), [&](const Idle& entry) { return entry.program == program; });
    if (idle != idle_.end()) {
      idle_bytes_ -= program->workspace_bytes();
      found.splice(found.begin(), idle_, idle);
    }
  }
  std::unique_ptr<Workspace> workspace =
      found.empty() ? program->CreateWorkspace() : std::move(found.front().workspace);
  return WorkspaceLease(this, std::move(program), std::move(workspace));
}

void WorkspacePool::Clear() {
  std::list<Idle> idle;  // freed after the lock is released
  MutexLock lock(mutex_);
  idle.swap(idle_);
  idle_bytes_ = 0;
}

void WorkspacePool::Return(Idle idle) {
  std::list<Idle> excess;  // freed after the lock is released
  MutexLock lock(mutex_);
  const size_t bytes = idle.program->workspace_bytes();
  idle_bytes_ += bytes;
  largest_bytes_ = std::max(largest_bytes_, bytes);
  const size_t enough = std::max(2 * largest_bytes_ * static_cast<size_t>(lanes_), kLittleBytes);
  idle_.push_front(std::move(idle));
  while (idle_bytes_ > enough || idle_.size() > kMaxIdle) {
    idle_bytes_ -= idle_.back().program->workspace_bytes();
    excess.splice(excess.begin(), idle_, std::prev(idle_.end()));
  }
}

}  // namespace beak
