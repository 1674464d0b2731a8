#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "absl/status/status.h"
#include "engine/data/loader.h"
#include "engine/job/job_plan.h"
#include "engine/train/batch_program.h"
#include "engine/train/state.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {

// A batch of the data as a network takes it; valid as long as the batch.
TrainingBatch ToTrainingBatch(const JobPlan& plan, const data::Batch& batch);

// Loss and accuracies of a network, summed up batch by batch. *Thread-compatible.*
class ScoreSums {
 public:
  // Hears of each sample that has a class: what it is, and the scores of all classes.
  using Listener = std::function<void(int64_t label, std::span<const float> scores)>;

  // REQUIRES: `plan` outlives it.
  explicit ScoreSums(const JobPlan& plan) : plan_(plan) {}

  // Takes in a batch, the mean loss of its samples, and what the network gave for the loss that has classes (nothing
  // where none has): scores of all classes, sample by sample. REQUIRES: a batch that the network has run on.
  void Add(const data::Batch& batch, double loss, std::span<const float> scores, const Listener& listener = nullptr);

  int64_t samples() const { return samples_; }
  double loss() const { return weight_ > 0 ? loss_ / weight_ : 0; }
  v1::Scores Scores() const;

  NamedState Export() const;
  // INVALID_ARGUMENT, and nothing changes, for what Export cannot have given.
  absl::Status Import(const NamedState& state);
  void Clear();

 private:
  double WeightOf(const data::Batch& batch) const;

  const JobPlan& plan_;
  int64_t samples_ = 0;
  double loss_ = 0;      // of all samples, each with its weight
  double weight_ = 0;    // of all samples
  int64_t classed_ = 0;  // samples that have a class
  int64_t top1_ = 0;     // of these, those whose class came first
  int64_t top5_ = 0;     // or among the first five
};

}  // namespace beak
