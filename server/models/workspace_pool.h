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
  int num_inputs() const { return static_cast<int>(program_->inputs().size()); }
  int num_outputs() const { return static_cast<int>(program_->outputs().size()); }
  DType input_dtype(int i) const { return program_->inputs()[static_cast<size_t>(i)].dtype; }
  const Shape& output_shape(int i) const { return program_->outputs()[static_cast<size_t>(i)].shape; }

  // Runs the network; see Program::Run.
  absl::Status Run(const StopCondition* stop);

 private:
  friend class WorkspacePool;
  WorkspaceLease(WorkspacePool* pool, std::shared_ptr<const Program> program, std::unique_ptr<Workspace> workspace)
      : pool_(pool), program_(std::move(program)), workspace_(std::move(workspace)) {}

  WorkspacePool* pool_;
  std::shared_ptr<const Program> program_;
  std::unique_ptr<Workspace> workspace_;  // null when moved from; goes before its program
};

// Keeps idle workspaces, those used last, so that a run need not make one: as much memory as two of the largest take
// for every lane (batches of several sizes take turns), or a little. *Thread-safe.*
class WorkspacePool {
 public:
  explicit WorkspacePool(int lanes) : lanes_(lanes) {}

  // An idle workspace of the program, or a new one.
  WorkspaceLease Acquire(std::shared_ptr<const Program> program);

  // Frees those that are idle: nobody is expected to need them soon.
  void Clear() EXCLUDES(mutex_);

 private:
  friend class WorkspaceLease;
  struct Idle {
    std::shared_ptr<const Program> program;
    std::unique_ptr<Workspace> workspace;
  };

  void Return(Idle idle);

  const int lanes_;
  Mutex mutex_;
  std::list<Idle> idle_ GUARDED_BY(mutex_);  // used last first
  size_t idle_bytes_ GUARDED_BY(mutex_) = 0;
  size_t largest_bytes_ GUARDED_BY(mutex_) = 0;  // of one
};

}  // namespace beak
