#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "engine/job/job_data.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {

// Where a network comes from: what somebody needs to make it again, and to know what it can do. A value type.
struct Lineage {
  v1::TrainJobSpec spec;
  v1::TrainResult result;
  std::vector<v1::EpochReport> epochs;
  int64_t training_samples = 0;
  int threads = 1;
  std::map<std::string, std::string> code;  // "version", "instruction_set", "kernels"
  // The network that it began with: a path, and the SHA-256 of the file; empty where the job describes it.
  std::string parent_file;
  std::string parent_sha256;
  std::string model_sha256;  // of model.onnx
};

// Fills in what a job's network came from. `served_file` is that of a served model.
absl::Status FindParent(const v1::NetworkSource& source, const JobFolder& folder, const std::string& served_file,
                        Lineage& lineage);

// The same as JSON, for lineage.json: one object, the curves as lists of an object an epoch. What is no finite number
// is null.
std::string LineageText(const Lineage& lineage);

}  // namespace beak
