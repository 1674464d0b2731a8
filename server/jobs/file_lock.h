#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace beak {

// Holds a file or folder against all others that lock it, in this and other processes (flock); let go at the end of its
// life, and of the process. *Thread-compatible.*
class FileLock {
 public:
  // The file is made where it is not there. FAILED_PRECONDITION where somebody else holds it.
  static absl::StatusOr<FileLock> TryFile(const std::string& path);
  // Waits. Where the file system has no locks, nothing is held.
  static absl::StatusOr<FileLock> WaitForFolder(const std::string& path);

  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace beak
