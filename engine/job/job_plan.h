#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/loader.h"
#include "engine/data/schema.h"
#include "engine/job/job_data.h"
#include "engine/job/job_network.h"
#include "engine/train/early_stopping.h"
#include "engine/train/plateau.h"
#include "engine/train/schedule.h"
#include "engine/train/trainer.h"

namespace beak {

namespace v1 {
class TrainJobSpec;
}

// What a job looks at to tell good from bad, of the held-out data.
enum class JobMetric { kLoss, kAccuracy, kTop5Accuracy };

// A loss whose targets are classes, one a sample: what accuracies are computed from.
struct ClassTarget {
  size_t loss = 0;
  int64_t classes = 0;
  std::vector<std::string> names;  // one a class, or empty
};

// A job put into the terms of engine/train and engine/data: nothing about it is open any more. A value type.
struct JobPlan {
  TrainerOptions trainer;              // all of it
  std::vector<size_t> input_fields;    // of the data's schema, one an input of the network
  std::vector<size_t> target_fields;   // one a loss
  std::optional<ClassTarget> classes;  // none: only losses are measured
  data::LoaderOptions loading;         // of training batches
  int64_t epochs = 1;
  int64_t batches_per_epoch = 1;
  int64_t steps = 1;  // updates in all epochs; batches at the end that don't make one up are left out
  Schedule schedule;  // its lengths filled in; ConstantRate where there is a plateau
  std::optional<PlateauOptions> plateau;
  std::optional<EarlyStoppingOptions> early_stopping;
  JobMetric metric = JobMetric::kLoss;
  bool keep_best = false;
  int64_t checkpoint_seconds = 30;
};

// Fits a job, its network and its data together: binds fields to inputs and losses, computes normalisations and writes
// them into `network`, fills in defaults. INVALID_ARGUMENT names every field of the job that does not fit, one a line:
// an input without a field, shapes that differ, a loss that does not fit its output or target, labels beyond the
// network's classes. REQUIRES: a spec that CheckSpec accepts.
absl::StatusOr<JobPlan> MakeJobPlan(const v1::TrainJobSpec& spec, const JobData& data, int threads,
                                    JobNetwork& network);

// The fields of the data that have to stay whole numbers (JobDataOptions::index_fields): those that become inputs of
// indices, and targets of a softmax cross-entropy that are not said to be classes (a mask of segments). Known from the
// job and its network alone, before data is opened. Errors as ReadJobNetwork's, and as MakeJobPlan's of fields that
// cannot be bound. REQUIRES: a spec that CheckSpec accepts.
absl::StatusOr<std::set<std::string>> FindIndexFields(const v1::TrainJobSpec& spec, const JobFolder& folder,
                                                      const std::string& served_file);

// How many outputs a network needs for the data: the classes of its only field of classes; 0 where there is none, or
// several.
int64_t CountClasses(const data::Schema& schema);

}  // namespace beak
