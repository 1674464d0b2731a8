#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/job/job_data.h"
#include "engine/train/trainer.h"

namespace beak {

namespace v1 {
class Head;
class NetworkSource;
}  // namespace v1

// A network to be trained: every parameter has its first values, and `options` what the network's source says of how
// they are trained (frozen, penalties, limits, weight decay, running variances, dropouts); nothing else of `options` is
// set.
struct JobNetwork {
  Graph graph;
  TrainerOptions options;
};

// Reads the network that a job names. `served_file` is the ONNX file of a served model; empty: such a source is an
// error. Initial values follow from `seed` and the parameters' names. `units` is how many outputs a new head gets where
// the job does not say. Errors name the field of the job ("network.head: ..."), file, node and parameter: a file that
// cannot be read, a pattern of `frozen` that fits no parameter, a network without a layer that can be its head.
absl::StatusOr<JobNetwork> ReadJobNetwork(const v1::NetworkSource& source, const JobFolder& folder,
                                          const std::string& served_file, int64_t units, uint64_t seed);

// The names of the network's inputs that take indices (int64). Which fields of the data they are, which has to be known
// before it is opened, is FindIndexFields' (job_plan.h). Errors as ReadJobNetwork's.
absl::StatusOr<std::vector<std::string>> FindIndexInputs(const v1::NetworkSource& source, const JobFolder& folder,
                                                         const std::string& served_file);

}  // namespace beak
