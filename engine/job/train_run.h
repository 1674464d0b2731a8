#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/data/loader.h"
#include "engine/job/checkpoint.h"
#include "engine/job/event_sink.h"
#include "engine/job/job_data.h"
#include "engine/job/job_plan.h"
#include "engine/job/memory_plan.h"
#include "engine/job/progress_meter.h"
#include "engine/job/score_sums.h"
#include "engine/train/early_stopping.h"
#include "engine/train/plateau.h"
#include "engine/train/trainer.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {

struct TrainRunOptions {
  std::function<bool()> stop;                 // asked between batches: whether somebody wants it to end
  CheckpointStore* checkpoints = nullptr;     // null: none are written
  std::map<std::string, std::string> origin;  // of what run they are
};

// What a run gives.
struct Trained {
  Graph network;      // to be exported
  int64_t epoch = 0;  // whose weights it has
  bool stopped_early = false;
  std::vector<v1::EpochReport> epochs;
  double seconds = 0;  // with those of the processes before this one
};

// Trains a network as a plan says, from its first step or from a checkpoint to its end: batches, learning rates,
// measurements after each epoch, early stopping, the best network, checkpoints, and telling all that. The same plan,
// network, data, instruction set and library versions give the same bits, however often it was stopped and gone on
// with. *Thread-compatible.*
class TrainRun {
 public:
  // Compiles all that will run, without the memory of a run. Errors as Trainer's and EvaluationStep's. All but
  // `network` must outlive it.
  static absl::StatusOr<std::unique_ptr<TrainRun>> Create(const Graph& network, const JobPlan& plan,
                                                          const JobData& data, const Backend& backend,
                                                          EventSink& events, const Clock& clock,
                                                          const TrainRunOptions& options);

  // The most memory that the process will have, by what is known now.
  int64_t planned_peak_bytes() const { return planned_peak_bytes_; }
  int64_t num_parameters() const;  // numbers that are trained

  // Goes on from there. INVALID_ARGUMENT where the checkpoint is of another plan or network; the run cannot be used
  // then.
  absl::Status Resume(const Checkpoint& checkpoint);

  // To the end. CANCELLED where it was stopped, with a checkpoint written, at the end of a batch; where several batches
  // make a step, of the step. The trainer's error where numbers are no longer finite; the last checkpoint is kept.
  absl::StatusOr<Trained> Run();

 private:
  TrainRun(const JobPlan& plan, const JobData& data, const Backend& backend, EventSink& events, const Clock& clock,
           const TrainRunOptions& options);

  absl::Status TrainBatch();
  absl::Status FinishEpoch();
  absl::Status Measure(v1::EpochReport& report);
  void Judge(const Graph& network, v1::EpochReport& report);
  absl::StatusOr<const data::Batch*> NextBatch();
  double LearningRate() const;

  bool Stopping() const;
  absl::Status Stop();
  bool CheckpointDue() const;
  absl::Status WriteCheckpoint();
  NamedState ExportProgress() const;
  absl::Status ImportProgress(const NamedState& state);
  absl::Status ImportBest(const NamedState& state);
  void Tell(v1::TrainProgress::Phase phase);
  double SecondsSoFar() const { return seconds_before_ + Seconds(clock_.Now() - started_); }

  const JobPlan& plan_;
  const JobData& data_;
  const Backend& backend_;
  EventSink& events_;
  const Clock& clock_;
  const TrainRunOptions options_;

  // Constant after Create.
  std::unique_ptr<Trainer> trainer_;
  std::map<std::string, Shape> values_;  // of the network, that training changes
  int64_t planned_peak_bytes_ = 0;

  // What a checkpoint has, besides the trainer.
  data::Position position_;
  ScoreSums sums_;  // of the epoch so far
  double epoch_seconds_ = 0;
  double learning_rate_ = 0;  // of the last batch
  std::optional<Plateau> plateau_;
  std::optional<EarlyStopping> early_stopping_;
  std::optional<double> best_metric_;
  int64_t best_epoch_ = 0;
  std::map<std::string, Tensor> best_;  // values_ of that epoch, where they are kept
  bool stopped_early_ = false;
  double seconds_before_ = 0;
  std::vector<v1::EpochReport> epochs_;

  std::unique_ptr<data::Loader> loader_;
  ProgressMeter meter_;
  bool within_step_ = false;        // some of a step's batches are through
  bool checkpoint_wanted_ = false;  // as soon as the step is complete
  MonotonicTime started_;
  MonotonicTime last_checkpoint_;
  double checkpoint_cost_ = 0;    // seconds that it took
  double measuring_seconds_ = 0;  // the last time
};

}  // namespace beak
