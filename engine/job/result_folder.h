#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/data/schema.h"
#include "engine/graph/graph.h"
#include "engine/job/job_plan.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {

inline constexpr char kModelFile[] = "model.onnx";
inline constexpr char kLabelsFile[] = "labels.txt";
inline constexpr char kConfigFile[] = "config.pbtxt";
inline constexpr char kLineageFile[] = "lineage.json";
inline constexpr char kResultFile[] = "result.binpb";  // a serialized TrainResult

// What a finished job leaves in its folder: result/ with the files above, whole or not at all.
class ResultFolder {
 public:
  explicit ResultFolder(const std::string& job_folder);

  bool exists() const;
  std::string PathOf(const char* file) const;

  // Writes files, by name, aside, and gives them their place when all are synced. REQUIRES: !exists()
  absl::Status Write(const std::map<std::string, std::string>& files) const;

  // DATA_LOSS where it cannot be read as one.
  absl::StatusOr<v1::TrainResult> ReadResult() const;
  absl::Status ReplaceResult(const v1::TrainResult& result) const;

 private:
  const std::string path_;
};

// A line a class: its name, or its number. A line break in a name becomes a space.
std::string LabelsText(const ClassTarget& target);

// The model's config.pbtxt: labels of the output that has classes; for clients, how pictures are brought to the
// network's size, as the job does it.
std::string ConfigText(const v1::TrainJobSpec& spec, const JobPlan& plan, const data::Schema& schema,
                       const Graph& network);

}  // namespace beak
