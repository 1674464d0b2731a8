#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace beak {

// Tells whether files have changed without reading them, by names, sizes, times and inodes. The same after a restart.
// A value type.
class Fingerprint {
 public:
  void Add(std::string_view bytes);
  void Add(uint64_t number);
  // A file by its size, time of change and inode; that it is not there is a mark of its own.
  void AddFile(const std::string& path);

  // Never 0.
  uint64_t value() const { return hash_ == 0 ? 1 : hash_; }

 private:
  uint64_t hash_ = 14695981039346656037u;  // FNV-1a
};

// What a folder holds, to any depth.
struct FolderPrint {
  uint64_t fingerprint = 0;
  int64_t bytes = 0;  // of its files, but for those in a folder named "golden"
  int files = 0;
};

// NOT_FOUND or PERMISSION_DENIED for a folder that cannot be listed, RESOURCE_EXHAUSTED for one with too many entries.
// What is deeper than a few folders is passed over.
absl::StatusOr<FolderPrint> FingerprintFolder(const std::string& path);

}  // namespace beak
