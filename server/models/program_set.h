#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "engine/engine.h"
#include "server/models/workspace_pool.h"
#include "server/observe/cost_table.h"

namespace beak {

// The programs of one network for inputs of certain shapes, by the rows of a batch and the threads, and what a run of
// each costs. *Thread-safe.*
class ProgramSet {
 public:
  // `row_shapes`: of the network's inputs, in its order, without the batch dimension where it is `batched`.
  ProgramSet(std::shared_ptr<Model> network, std::vector<Shape> row_shapes, bool batched, int lanes);

  using Check = std::function<absl::Status()>;

  // Compiles the program for so many rows and threads, measures it on zeros and adds it. Takes from milliseconds to
  // seconds: no request waits for it on a lane. INVALID_ARGUMENT or RESOURCE_EXHAUSTED for shapes that the network
  // cannot take, FAILED_PRECONDITION where an output has not as many rows as the inputs. REQUIRES: rows is 1 where
  // there is no batch dimension.
  //
  // `check` is called when the program can be acquired, but before its cost is known and anybody chooses it. Where it
  // fails, so does the preparation, and the program goes.
  absl::Status Prepare(int64_t rows, int threads, const Check& check = nullptr);

  bool Has(int64_t rows, int threads) const;

  // A workspace of a program that has been prepared. The lease must not outlive this object.
  absl::StatusOr<WorkspaceLease> Acquire(int64_t rows, int threads);

  // Frees workspaces that nobody uses: they come back with the first requests.
  void FreeIdleWorkspaces() { workspaces_.Clear(); }

  // Bytes of one run's workspace; 0 for a program that is not there.
  size_t WorkspaceBytes(int64_t rows, int threads) const;

  // True for the first caller: it is to prepare the set, or to give up so that another may.
  bool ClaimPreparation();
  void GiveUpPreparation();
  // Preparing it has failed, and would again.
  void SetFailed(absl::Status status);
  // OK but for a set that has failed.
  absl::Status status() const;

  // A batch of so many rows has had to run on a program for more. True where that has become usual, once: a program of
  // that size should be prepared.
  bool NotePadding(int64_t rows);

  CostTable& costs() { return costs_; }
  const std::vector<Shape>& row_shapes() const { return row_shapes_; }
  bool batched() const { return batched_; }

 private:
  using Key = std::pair<int64_t, int>;

  absl::Status CheckRows(const Program& program, int64_t rows) const;
  std::shared_ptr<const Program> Find(int64_t rows, int threads) const;

  const std::shared_ptr<Model> network_;
  const std::vector<Shape> row_shapes_;
  const bool batched_;
  CostTable costs_;
  WorkspacePool workspaces_;

  mutable Mutex mutex_;
  std::map<Key, std::shared_ptr<const Program>> programs_ GUARDED_BY(mutex_);
  bool claimed_ GUARDED_BY(mutex_) = false;
  absl::Status status_ GUARDED_BY(mutex_);
  std::map<int64_t, int> paddings_ GUARDED_BY(mutex_);  // by rows: how often
};

}  // namespace beak
