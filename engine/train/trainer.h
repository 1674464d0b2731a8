#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/train/gradients.h"
#include "engine/train/optimizer.h"
#include "engine/train/regularizer.h"
#include "engine/train/state.h"
#include "engine/train/training_step.h"
#include "engine/train/weight_average.h"

namespace beak {

// No output unit's weights may be longer than this; see LimitUnitNorms.
struct UnitNormLimit {
  double max_norm = 0;
  int unit_axis = 0;
};

// How a network is trained: everything that stays the same from the first step to the last. A value type.
struct TrainerOptions {
  TrainingOptions training;
  OptimizerOptions optimizer;
  ClipOptions clip;
  std::map<std::string, WeightPenalty> penalties;   // by parameter
  std::map<std::string, UnitNormLimit> unit_norms;  // by parameter
  std::set<std::string> without_weight_decay;       // parameters
  std::set<std::string> unbiased_variances;         // running variances that are kept as n / (n - 1) times the batch's
  std::optional<WeightAverageOptions> average;      // what is exported are then averages of the weights
  int64_t accumulated_batches = 1;                  // whose mean gradient is one step
  std::vector<Shape> row_shapes;                    // of the network's inputs, without the batch dimension
  int64_t batch_rows = 1;
  int threads = 1;
  uint64_t seed = 0;  // of dropout
};

// What one batch has shown.
struct BatchReport {
  double loss = 0;           // as the optimiser sees it: with penalties
  bool stepped = false;      // false while gradients accumulate
  double gradient_norm = 0;  // of the step before clipping; of the batch where none was taken
};

// Trains a network: takes batches, keeps parameters, statistics and what the optimiser remembers. *Thread-compatible.*
// The same options, batches, instruction set and library versions give the same bits.
class Trainer {
 public:
  // INVALID_ARGUMENT with what does not fit, UNIMPLEMENTED for a node without a gradient. `network` is one whose batch
  // normalisations and dropouts are nodes still, its parameters initialised. `backend` must outlive it.
  static absl::StatusOr<std::unique_ptr<Trainer>> Create(Graph network, const TrainerOptions& options,
                                                         const Backend& backend);

  // Takes one batch. Where loss or gradients are not finite, nothing changes and the error (FAILED_PRECONDITION) says
  // at which step and where; the same where `run` stops it (CANCELLED).
  absl::StatusOr<BatchReport> Train(const TrainingBatch& batch, double learning_rate, const RunOptions& run = {});

  // What the last batch has run, for profiles.
  const Program& program() const { return step_->program(); }

  // What the network gave for the last batch, before the step: the logits of each loss.
  std::span<const float> prediction(size_t loss) const { return step_->prediction(loss); }

  int64_t steps() const { return optimizer_->steps(); }
  const std::vector<Parameter>& parameters() const { return step_->parameters(); }
  std::span<const float> values(size_t parameter) const { return values_[parameter].values<float>(); }
  size_t workspace_bytes() const { return step_->workspace_bytes(); }

  // The network with what has been learned, or its average: to be evaluated, exported and served.
  Graph Network() const;

  // All that a later process needs to go on with the same bits, between two steps.
  NamedState Export() const;
  // INVALID_ARGUMENT, and nothing changes, for what Export of the same network and options cannot have given.
  absl::Status Import(const NamedState& state);

 private:
  Trainer(Graph network, const TrainerOptions& options) : network_(std::move(network)), options_(options) {}

  absl::Status TakeInitialValues();
  std::vector<std::span<float>> Gradients() const;
  double AddPenalties(const std::vector<std::span<float>>& gradients) const;
  absl::Status CheckFinite(const BatchReport& report, const std::vector<std::span<float>>& gradients) const;
  void Update(const std::vector<std::span<float>>& gradients, double learning_rate);
  void UpdateStatistics();
  std::vector<std::span<const float>> ConstValues() const;

  const Graph network_;
  const TrainerOptions options_;
  std::unique_ptr<TrainingStep> step_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<WeightAverage> average_;  // null where there is none
  GradientAccumulator accumulator_;
  std::vector<Tensor> values_;                // of the parameters, in their order
  std::map<std::string, Tensor> statistics_;  // running, by the constants' names
  int64_t batches_ = 0;                       // taken so far
};

}  // namespace beak
