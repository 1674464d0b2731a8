#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/train/batch_program.h"
#include "engine/train/training_graph.h"

namespace beak {

// Computes the losses of batches and their gradients; how parameters then change is for others. Batches of each number
// of rows have a program of their own. *Thread-compatible.*
class TrainingStep {
 public:
  struct Options {
    TrainingOptions training;
    std::vector<Shape> row_shapes;  // of the network's inputs, without the batch dimension
    int threads = 1;
  };

  // Compiles for batches of `rows`. Errors as MakeTrainingGraph. `backend` must outlive it.
  static absl::StatusOr<std::unique_ptr<TrainingStep>> Create(const Graph& network, int64_t rows,
                                                              const Options& options, const Backend& backend);

  const std::vector<Parameter>& parameters() const { return any().parameters; }
  // Their counts are those of one of the numbers of rows: see statistics_count.
  const std::vector<RunningStatistics>& statistics() const { return any().statistics; }

  // Runs one batch with the given values of the parameters, in their order. INVALID_ARGUMENT for labels out of range.
  absl::Status Run(const TrainingBatch& batch, int64_t seed, std::span<const Tensor> values,
                   const RunOptions& options = {});

  // Of the last run, until the next one.
  float loss() const { return last_->program.output(TrainingGraph::loss_output())[0]; }
  std::span<const float> prediction(size_t loss) const {
    return last_->program.output(last_->training.prediction_output(loss));
  }
  std::span<float> gradient(size_t parameter) const {
    return last_->program.output(last_->training.gradient_output(parameter));
  }
  std::span<const float> mean(size_t statistic) const {
    return last_->program.output(last_->training.mean_output(statistic));
  }
  std::span<const float> variance(size_t statistic) const {
    return last_->program.output(last_->training.variance_output(statistic));
  }
  // What the last run has run, for profiles.
  const Program& program() const { return last_->program.program(); }
  // Elements that each was computed from.
  int64_t statistics_count(size_t statistic) const { return last_->training.statistics[statistic].count; }

  // Bytes of the activations, gradients and parameters of one run at the largest number of rows so far.
  size_t workspace_bytes() const { return compiled_.rbegin()->second.program.workspace_bytes(); }

 private:
  // For one number of rows. The graph of `training` has gone into the program.
  struct Compiled {
    TrainingGraph training;
    BatchProgram program;
  };

  TrainingStep(Graph network, const Options& options, const Backend& backend)
      : network_(std::move(network)), options_(options), backend_(backend) {}

  const TrainingGraph& any() const { return compiled_.begin()->second.training; }
  absl::StatusOr<Compiled*> ForRows(int64_t rows);

  const Graph network_;
  const Options options_;
  const Backend& backend_;
  std::map<int64_t, Compiled> compiled_;  // by rows; never empty once created
  Compiled* last_ = nullptr;              // that has run
};

}  // namespace beak
