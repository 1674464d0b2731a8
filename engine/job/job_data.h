#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/pipeline.h"

namespace beak {

namespace v1 {
class DataSet;
}

// Where a job may read, and where what it names is.
struct JobFolder {
  std::string path;      // that relative paths are below
  bool confined = true;  // nothing outside it is read, symbolic links included; false: paths may lead anywhere
};

// The absolute path of a file or folder that a job names. PERMISSION_DENIED where it leads out of a confined folder,
// NOT_FOUND where there is none.
absl::StatusOr<std::string> ResolvePath(const JobFolder& folder, const std::string& path);

struct JobDataOptions {
  JobFolder folder;
  uint64_t seed = 0;                   // of augmentation
  std::set<std::string> index_fields;  // whole numbers that the network takes as such: they become int64, not float32
  bool refuse_overlap = false;         // an input that is in the training and in the held-out data is an error
  // Called now and then while files are read: how many of how many.
  std::function<void(int64_t done, int64_t total)> progress;
};

// The data of a job, opened. All pipelines give the same fields.
struct JobData {
  data::PipelinePtr training;        // with augmentation
  data::PipelinePtr plain;           // the same samples without it: for statistics
  data::PipelinePtr held_out;        // null where there is none
  std::string training_digest;       // SHA-256 in hexadecimal, of all decoded values
  std::string held_out_digest;       // "" where there is none
  std::vector<std::string> notices;  // samples that were left out, and why
};

// Opens what a description names. REQUIRES: one that CheckDataSet accepts. Errors name the source ("data.training:
// ...") and the file, sample or field.
absl::StatusOr<JobData> OpenJobData(const v1::DataSet& description, const JobDataOptions& options);

}  // namespace beak
