#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <span>
#include <utility>

#include "absl/status/status.h"
#include "engine/base/cancel.h"
#include "engine/base/mutex.h"
#include "engine/engine.h"

namespace beak {

class WorkspacePool;

// A program and a workspace to run it in, lent until the end of its life. *Thread-compatible*, move-only.
class WorkspaceLease {
 public:
  WorkspaceLease(WorkspaceLease&& other) noexcept = default;
  WorkspaceLease& operator=(WorkspaceLease&&) = delete;
  ~WorkspaceLease();

  // By the network's order of inputs and outputs; see Workspace.
  std::span<std::byte> input(int i) { return workspace_->input(i); }
  std::span<const std::byte> output(int i) const { return workspace_->output(i); }
  const Shape& output_shape(int i) const { return program_->outputs()[static_cast<size_t>(i)].shape; }

  // Runs the network; see Program::Run.
  absl::Status Run(const CancelToken* cancel);

 private:
  friend class WorkspacePool;
  WorkspaceLease(WorkspacePool* pool, std::shared_ptr<const Program> program, std::unique_ptr<Workspace> workspace)
      : pool_(pool), program_(std::move(program)), workspace_(std::move(workspace)) {}

  WorkspacePool* pool_;
  std::shared_ptr<const Program> program_;
  std::unique_ptr<Workspace> workspace_;  // null when moved from; goes before its program
};

// Keeps a few idle workspaces, those used last, so that a run need not make one. *Thread-safe.*
class WorkspacePool {
 public:
  explicit WorkspacePool(int max_idle) : max_idle_(max_idle) {}

  // An idle workspace of the program, or a new one.
  WorkspaceLease Acquire(std::shared_ptr<const Program> program);

 private:
  friend class WorkspaceLease;
  struct Idle {
    std::shared_ptr<const Program> program;
    std::unique_ptr<Workspace> workspace;
  };

  void Return(Idle idle);

  const int max_idle_;
  Mutex mutex_;
  std::list<Idle> idle_ GUARDED_BY(mutex_);  // used last first
};

}  // namespace beak
