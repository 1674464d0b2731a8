#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/data/source.h"
#include "engine/job/job_data.h"

namespace beak {

namespace v1 {
class Source;
}

struct SourceOptions {
  std::string place;  // what errors call it: "data.training"
  JobFolder folder;
  data::OnBadSample on_bad = data::OnBadSample::kFail;
  // Of the training data, where this is other data for the same network: what the description leaves open about classes
  // and columns is as it is there. Null: this is the training data.
  const data::Schema* training = nullptr;
  std::function<void(int64_t done, int64_t total)> progress;
};

// Opens the files that a source names. An error tells of every path that leads nowhere, one a line. REQUIRES: a source
// that CheckDataSet accepts.
absl::StatusOr<data::SourcePtr> OpenSource(const v1::Source& description, const SourceOptions& options);

}  // namespace beak
