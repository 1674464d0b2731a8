#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/train/batch_program.h"
#include "engine/train/training_graph.h"

namespace beak {

// Runs a network on batches with known targets, compiled as it will be when it is served. *Thread-compatible.*
class EvaluationStep {
 public:
  struct Options {
    std::vector<Loss> losses;
    std::vector<Shape> row_shapes;  // of the network's inputs, without the batch dimension
    int threads = 1;
    int64_t rows = 1;  // of the batches to be expected
  };

  // Compiles for batches of `rows`. Errors as MakeEvaluationGraph. `backend` must outlive it.
  static absl::StatusOr<std::unique_ptr<EvaluationStep>> Create(const Graph& network, const Options& options,
                                                                const Backend& backend);

  // Batches of another number of rows are compiled when the first one comes.
  absl::Status Run(const TrainingBatch& batch);

  // Of the last run, until the next one: the sum of all losses; the logits of each.
  float loss() const { return last_->output(0)[0]; }
  std::span<const float> prediction(size_t loss) const { return last_->output(1 + loss); }

  // Bytes of the activations of one run at the largest number of rows so far.
  size_t workspace_bytes() const { return compiled_.rbegin()->second.workspace_bytes(); }

 private:
  EvaluationStep(const Graph& network, const Options& options, const Backend& backend)
      : network_(network), options_(options), backend_(backend) {}

  absl::StatusOr<BatchProgram*> ForRows(int64_t rows);

  const Graph network_;
  const Options options_;
  const Backend& backend_;
  std::map<int64_t, BatchProgram> compiled_;  // by rows
  const BatchProgram* last_ = nullptr;        // that has run
};

}  // namespace beak
