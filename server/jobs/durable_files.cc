#include "server/jobs/durable_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr size_t kCopyBytes = size_t{1} << 20;

absl::Status Error(int error, const char* verb, const std::string& path) {
  const std::string what = absl::StrCat("cannot ", verb, " '", path, "'");
  switch (error) {
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError(absl::StrCat(what, ": ", std::generic_category().message(error)));
    case EROFS:
      return absl::FailedPreconditionError(absl::StrCat(what, ": Read-only file system"));
    default:
      return absl::ErrnoToStatus(error, what);
  }
}

class ScopedFd {
 public:
  explicit ScopedFd(int fd) : fd_(fd) {}
  ~ScopedFd() {
    if (fd_ >= 0) close(fd_);
  }
  ScopedFd(const ScopedFd&) = delete;
  ScopedFd& operator=(const ScopedFd&) = delete;

  int get() const { return fd_; }

 private:
  const int fd_;
};

absl::Status WriteAll(int fd, const char* bytes, size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t written = write(fd, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Error(errno, "write", path);
    bytes += written;
    size -= static_cast<size_t>(written);
  }
  return absl::OkStatus();
}

// std::filesystem::copy_file would not say why it could not write.
absl::Status CopyBytes(int from, const std::string& from_path, int to, const std::string& to_path) {
  std::vector<char> buffer(kCopyBytes);
  while (true) {
    const ssize_t got = read(from, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error(errno, "read", from_path);
    if (got == 0) return absl::OkStatus();
    RETURN_IF_ERROR(WriteAll(to, buffer.data(), static_cast<size_t>(got), to_path));
  }
}

}  // namespace

absl::Status MakeFolder(const std::string& path) {
  if (mkdir(path.c_str(), 0777) == 0) return absl::OkStatus();
  return Error(errno, "make folder", path);
}

absl::Status CopyFile(const std::string& from, const std::string& to) {
  const ScopedFd source(open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (source.get() < 0) return Error(errno, "open", from);
  struct stat info;
  if (fstat(source.get(), &info) != 0) return Error(errno, "stat", from);
  if (!S_ISREG(info.st_mode)) return absl::FailedPreconditionError(absl::StrCat("'", from, "': not a regular file"));
  const ScopedFd target(open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (target.get() < 0) return Error(errno, "create", to);
  RETURN_IF_ERROR(CopyBytes(source.get(), from, target.get(), to));
  return fsync(target.get()) == 0 ? absl::OkStatus() : Error(errno, "sync", to);
}

absl::Status SyncFolder(const std::string& path) {
  const ScopedFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return Error(errno, "open", path);
  // Some file systems cannot sync a folder and say EINVAL; what is in it is as durable there as it gets.
  if (fsync(fd.get()) == 0 || errno == EINVAL) return absl::OkStatus();
  return Error(errno, "sync", path);
}

absl::Status RenameToNew(const std::string& from, const std::string& to) {
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return absl::OkStatus();
  if (errno == EINVAL || errno == ENOSYS) {
    // A file system that cannot promise it: whoever makes the same name in between may lose an empty folder.
    if (IsThere(to)) return Error(EEXIST, "rename to", to);
    return RenameOver(from, to);
  }
  return Error(errno, "rename to", to);
}

absl::Status RenameOver(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) == 0) return absl::OkStatus();
  return Error(errno, "rename to", to);
}

absl::Status RemoveAll(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  return error ? Error(error.value(), "remove", path) : absl::OkStatus();
}

bool IsThere(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

}  // namespace beak
