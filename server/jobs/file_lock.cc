#include "server/jobs/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace beak {

absl::StatusOr<FileLock> FileLock::TryFile(const std::string& path) {
  // Closed on exec: a child process must not hold it longer than we.
  FileLock lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (lock.fd_ < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open '", path, "'"));
  if (flock(lock.fd_, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) return absl::FailedPreconditionError(absl::StrCat("'", path, "': somebody else holds it"));
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot lock '", path, "'"));
}

absl::StatusOr<FileLock> FileLock::WaitForFolder(const std::string& path) {
  FileLock lock(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock.fd_ < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open '", path, "'"));
  while (flock(lock.fd_, LOCK_EX) != 0 && errno == EINTR) {
  }
  return lock;
}

FileLock::~FileLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace beak
