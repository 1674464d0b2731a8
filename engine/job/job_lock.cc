#include "engine/job/job_lock.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace beak {

absl::StatusOr<ScopedFd> LockJobFolder(const std::string& folder, const std::function<bool()>& wait) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot create '", folder, "'"));
  const std::string path = absl::StrCat(folder, "/lock");
  ScopedFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (fd.get() < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot create '", path, "'"));
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return absl::ErrnoToStatus(errno, absl::StrCat("cannot lock '", path, "'"));
    if (!wait) {
      return absl::FailedPreconditionError(
          absl::StrCat("'", folder, "': expected no other process to work in it, got one"));
    }
    if (!wait()) return absl::CancelledError(absl::StrCat("stopped as asked before '", folder, "' was free"));
  }
  return fd;
}

}  // namespace beak
