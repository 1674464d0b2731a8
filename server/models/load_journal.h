#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace beak {

// Remembers, over the end of the process, which versions were being loaded when it came: a network that kills the
// process each time it is loaded must not keep all others from being served. One small file for each such version.
// *Thread-compatible.*
class LoadJournal {
 public:
  // Keeps its files beneath `state_dir`; keeps nothing where that is empty. Reads what the last process left: a file
  // that cannot be understood is a warning in the log. An error where the folder cannot be made or read.
  static absl::StatusOr<LoadJournal> Open(const std::string& state_dir);

  // The process ended at least twice while this was being loaded, and it has not changed since.
  bool IsQuarantined(const std::string& model, int64_t version, uint64_t fingerprint) const;

  // From now until End it is being loaded. Durable on return.
  absl::Status Begin(const std::string& model, int64_t version, uint64_t fingerprint);
  // The process has survived it, whatever came of it.
  void End(const std::string& model, int64_t version);

 private:
  struct Entry {
    uint64_t fingerprint = 0;
    int64_t deaths = 0;
  };
  using Key = std::pair<std::string, int64_t>;

  explicit LoadJournal(std::string folder) : folder_(std::move(folder)) {}

  absl::Status ReadEntry(const std::string& path);
  absl::Status Write(const Key& key, const Entry& entry, bool under_way) const;
  std::string PathOf(const Key& key) const;

  std::string folder_;  // empty: nothing is kept
  std::map<Key, Entry> entries_;
};

}  // namespace beak
