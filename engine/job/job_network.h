#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "engine/graph/graph.h"
#include "engine/job/job_data.h"
#include "engine/train/trainer.h"

namespace beak {

namespace v1 {
class NetworkSource;
}

// A network to be trained: every parameter has its first values, and `options` what the network's source says of how
// they are trained (frozen, penalties, limits, weight decay, running variances, dropouts); nothing else of `options` is
// set. A Softmax or Sigmoid at an output is the last node before it.
struct JobNetwork {
  Graph graph;
  TrainerOptions options;
};

// Reads the network that a job names. `served_file` is the ONNX file of a served model; empty: such a source is an
// error. Initial values follow from `seed` and the parameters' names. `units` is how many outputs a new head gets where
// the job does not say. A network from a file takes and gives float32 where it took float16, int64 where it took int32,
// and batches of any size where it took one sample; arithmetic on its inputs before all else, their normalisation,
// stays as it is. Its batch normalisations take the statistics of each batch unless their scale is frozen, and keep
// them with the file's momentum, as ONNX says: the biased variance. Errors name the field of the job ("network.head:
// ..."), file, node and parameter: a file that cannot be read, a pattern of `frozen` that fits no parameter, a network
// without a layer that can be its head.
absl::StatusOr<JobNetwork> ReadJobNetwork(const v1::NetworkSource& source, const JobFolder& folder,
                                          const std::string& served_file, int64_t units, uint64_t seed);

// The same network as it comes, without first values, another head and frozen parameters: what can be known of it
// before data is opened. Errors as ReadJobNetwork's.
absl::StatusOr<Graph> ReadJobGraph(const v1::NetworkSource& source, const JobFolder& folder,
                                   const std::string& served_file);

}  // namespace beak
