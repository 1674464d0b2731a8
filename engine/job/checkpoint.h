#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/data/loader.h"
#include "engine/train/state.h"
#include "proto/beak/v1/train.pb.h"

namespace beak {

// How far a run is, between two steps, and all that it needs to go on with the same bits. A value type.
struct Checkpoint {
  int64_t step = 0;         // updates so far
  data::Position position;  // of the next batch; behind an epoch's last one while the epoch is to be looked at
  NamedState state;
  std::vector<v1::EpochReport> epochs;        // that are over
  std::map<std::string, std::string> origin;  // what run it is of: whoever reads it compares
};

// The checkpoints of one run, in a folder of their own: <step, 12 digits>.safetensors has the tensors,
// <step, 12 digits>.json the rest and the SHA-256 of both. Each file is written to a temporary name, synced and
// renamed, the .json last, so that one that is there whole is good; the two newest are kept. *Thread-compatible*; no
// other process writes there.
class CheckpointStore {
 public:
  // Makes the folder where it is not there.
  static absl::StatusOr<std::unique_ptr<CheckpointStore>> Open(const std::string& folder);

  // True where the folder has a checkpoint, good or not.
  static bool HasAny(const std::string& folder);

  // The newest good one, or none; `notices` gets a text for each damaged one that it passes over.
  absl::StatusOr<std::optional<Checkpoint>> ReadNewest(std::vector<std::string>& notices);

  // Writes another one, not earlier than those before, and removes what is older than the last. Tensors that are good
  // are never written again: where there are others of this step, the checkpoint stays as it is. Errors (a full disk, a
  // folder that may not be written) leave what was there.
  absl::Status Write(const Checkpoint& checkpoint);

 private:
  explicit CheckpointStore(const std::string& folder) : folder_(folder) {}

  std::string PathOf(int64_t step, const char* suffix) const;
  absl::StatusOr<Checkpoint> Read(int64_t step, std::string& digest) const;
  void RemoveOthers() const;
  bool HasStep(int64_t step) const { return !good_.empty() && good_.back() == step; }

  const std::string folder_;
  std::vector<int64_t> good_;  // steps of those that were read or written here, oldest first, at most two
  std::string last_tensors_;   // the SHA-256 of the last one's tensors
};

}  // namespace beak
