#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "proto/beak/v1/train.pb.h"
#include "server/jobs/job_manager.h"

namespace beak {

// Where the files of jobs are: <state_dir>/jobs/<id>/, and in each
//   job.textproto          what the process is given
//   owner                  whose job it is (JobStore::owner): ids begin anew with another database
//   log.txt, log.txt.1     what its processes wrote
//   served/<version>/      the served model that it begins with
//   serving/<version>/     the version that its result is compared with
// besides what beak-train writes. *Thread-safe*, but for two calls about one job.
class JobFolders {
 public:
  JobFolders(std::string state_dir, std::string owner);

  // `id` is one that the store gave: a plain name.
  std::string PathOf(const std::string& id) const;
  std::string LogOf(const std::string& id) const;
  std::string LogOfCheck(int64_t number) const;

  // Makes the job's folder, unless it is there. One of that name that belongs to another database is put aside.
  absl::Status Make(const std::string& id) const;
  // Of a check, which has no id: an empty one.
  absl::StatusOr<std::string> MakeForCheck(int64_t number) const;
  absl::Status RemoveCheck(int64_t number) const;

  // Removes the folder with all it holds; links are not followed. OK where there is none.
  absl::Status Remove(const std::string& id) const;
  // Removes what nobody needs any more: folders of this database for which `is_job` says no, those of checks, and what
  // was never finished. What cannot be removed is logged.
  void CleanUp(const std::function<bool(const std::string& id)>& is_job) const;

 private:
  bool IsOurs(const std::string& folder) const;

  const std::string root_;
  const std::string owner_;
};

// Writes the job's description into its folder; returns its path.
absl::StatusOr<std::string> WriteJobFile(const std::string& folder, const v1::TrainJobSpec& spec);

// A copy of a version's model file, and of what lies beside it in the folder of the version (weights may), as
// `folder`/<version>/model.onnx: linked where that can be done, for neither is ever changed in place. Whole or not at
// all; the one that is there already is kept.
absl::StatusOr<ServedModels::Version> KeepVersion(const ServedModels::Version& version, const std::string& folder);
// What KeepVersion has put there.
std::optional<ServedModels::Version> FindKeptVersion(const std::string& folder);

}  // namespace beak
