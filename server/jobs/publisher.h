#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace beak {

// What a job gave, on its way to be a version of a model.
struct Publication {
  std::string job;
  std::string model;    // a folder's name
  std::string result;   // the folder that beak-train wrote: model.onnx, lineage.json, labels.txt, config.pbtxt
  int64_t time_ms = 0;  // now, since 1970
};

// Puts results of train jobs into a model repository as versions: written aside under a name that begins with a dot,
// which nobody loads, synced, and then renamed, so that a version is there whole or not at all. Into each it writes
// publication.json (job, server, version, time), by which a version is known again as a job's. *Thread-safe*; several
// processes may publish into one repository.
//
// Errors: NOT_FOUND where `result` lacks model.onnx or lineage.json, or the repository is not there; INVALID_ARGUMENT
// for a model's name that cannot be a folder's; FAILED_PRECONDITION where a file has that name, or the repository is
// read-only; RESOURCE_EXHAUSTED where the disk is full; PERMISSION_DENIED. No version is there then, nor part of one.
class Publisher {
 public:
  // `owner` tells this server's jobs from those of others (JobStore::owner). `at_step` is called between any two
  // changes of the disk; tests end the process there.
  Publisher(std::string repository, std::string owner, std::function<void()> at_step = nullptr);

  // Removes what publications and removals of this owner left when they were cut short. Before the first Publish.
  absl::Status CleanUp() const;

  // Not twice for one job at a time. The number of the version; of the one that is there where the job has published
  // already. Numbers go on from the highest that is there. A model's folder without config.pbtxt gets the result's, and
  // its labels.txt; one that has its own keeps it.
  absl::StatusOr<int64_t> Publish(const Publication& publication) const;

  // Removes, of the versions that jobs published, all but the newest `keep`, and never one of `in_use`. `keep` 0:
  // removes none. Returns what was removed, rising.
  absl::StatusOr<std::vector<int64_t>> RemoveOld(const std::string& model, int64_t keep,
                                                 const std::vector<int64_t>& in_use) const;

 private:
  // False where somebody has made the model's folder in the meantime.
  absl::StatusOr<bool> PublishModel(const Publication& publication, const std::string& folder) const;
  absl::StatusOr<int64_t> PublishVersion(const Publication& publication, const std::string& folder) const;
  // Writes <staging>/<version>/ and, as they belong into the model's folder, <staging>/{config.pbtxt,labels.txt}.
  absl::Status Stage(const Publication& publication, int64_t version, const std::string& staging) const;
  absl::Status CopyFiles(const std::string& from, const std::vector<std::string>& names, const std::string& to) const;
  absl::Status WriteRecord(const Publication& publication, int64_t version, const std::string& folder) const;
  absl::Status PutConfig(const std::string& staging, const std::string& folder) const;
  absl::StatusOr<int64_t> PutVersion(const Publication& publication, int64_t first, const std::string& staging,
                                     const std::string& folder) const;
  absl::Status CleanFolder(const std::string& folder) const;
  std::string TemporaryName(const std::string& what) const;
  void AtStep() const;

  const std::string repository_;
  const std::string owner_;
  const std::function<void()> at_step_;
};

}  // namespace beak
