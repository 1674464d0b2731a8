#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "engine/data/loader.h"
#include "engine/data/schema.h"
#include "engine/job/job_data.h"
#include "engine/job/job_plan.h"
#include "engine/runtime/kernel.h"
#include "engine/train/trainer.h"

namespace beak {

// What a train job takes memory for, in bytes. A value type.
struct MemoryNeeds {
  int64_t resident = 0;        // of the process, once data is opened and programs are compiled, before the first run
  int64_t training = 0;        // runs of training batches, whole and short ones
  int64_t evaluation = 0;      // runs of evaluation batches, whole and short ones, and what they are read into
  int64_t batches = 0;         // training batches that are read ahead
  int64_t parameters = 0;      // one copy of all that is trained or kept as statistics
  int64_t state = 0;           // what a checkpoint has
  bool accumulates = false;    // gradients of several batches
  bool keeps_best = false;     // the network of another epoch than the last
  bool short_batches = false;  // the last evaluation batch has fewer rows, and a program of its own
};

// The most that the process will have in memory: what training takes, and besides that a checkpoint (its state is
// copied; what is read to go on is there twice) or a network that is measured (a copy, folded, and packed for each
// number of rows); after training, the export (as a graph, as bytes, and read again to be measured). And 24 MiB for
// what else takes room in a run.
int64_t PlannedPeakBytes(const MemoryNeeds& needs);

// What a loader allocates. Errors where a field's shape is not known, or too large.
absl::StatusOr<int64_t> LoaderBytes(const data::Schema& schema, int64_t samples, const data::LoaderOptions& options);

// What a run will need, by what is known before its first batch. Errors as EvaluationStep's: the network that will be
// measured is compiled for that.
absl::StatusOr<MemoryNeeds> FindMemoryNeeds(const Trainer& trainer, const JobPlan& plan, const JobData& data,
                                            const Backend& backend);

// RESOURCE_EXHAUSTED where the plan is above the limit.
absl::Status CheckPlannedPeak(int64_t planned, int64_t limit);

}  // namespace beak
