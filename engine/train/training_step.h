#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/runtime/constant_store.h"
#include "engine/runtime/program.h"
#include "engine/train/training_graph.h"

namespace beak {

// Some samples with what is expected of them: plain row-major bytes, one entry an input of the network and one a loss.
struct TrainingBatch {
  int64_t rows = 0;
  std::vector<std::span<const std::byte>> inputs;
  std::vector<std::span<const std::byte>> targets;
};

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

  const std::vector<Parameter>& parameters() const { return parameters_; }
  const std::vector<RunningStatistics>& statistics() const { return statistics_; }

  // Runs one batch with the given values of the parameters, in their order. INVALID_ARGUMENT for labels out of range.
  absl::Status Run(const TrainingBatch& batch, int64_t seed, std::span<const Tensor> values);

  // Of the last run, until the next one.
  float loss() const;
  std::span<const float> prediction(size_t loss) const;
  std::span<float> gradient(size_t parameter) const;
  std::span<const float> mean(size_t statistic) const;
  std::span<const float> variance(size_t statistic) const;
  int64_t statistics_count(size_t statistic) const;  // elements that each was computed from

  // Bytes of the activations, gradients and parameters of one run at the largest number of rows so far.
  size_t workspace_bytes() const;

 private:
  // For one number of rows.
  struct Compiled {
    TrainingGraph training;
    std::unique_ptr<ConstantStore> constants;
    std::shared_ptr<const Program> program;
    std::unique_ptr<Workspace> workspace;
  };

  TrainingStep(Graph network, const Options& options, const Backend& backend)
      : network_(std::move(network)), options_(options), backend_(backend) {}

  absl::StatusOr<Compiled*> ForRows(int64_t rows);
  absl::StatusOr<std::unique_ptr<Compiled>> Compile(int64_t rows) const;
  std::span<float> output(size_t i) const;

  const Graph network_;
  const Options options_;
  const Backend& backend_;
  std::vector<Parameter> parameters_;
  std::vector<RunningStatistics> statistics_;
  std::map<int64_t, std::unique_ptr<Compiled>> compiled_;  // by rows
  Compiled* last_ = nullptr;                               // that has run
};

}  // namespace beak
