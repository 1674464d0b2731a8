#include "engine/base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "engine/base/scoped_fd.h"
#include "engine/base/status.h"

namespace beak {
namespace {

absl::Status SystemError(int error, const char* verb, const std::string& path) {
  const std::string what = absl::StrCat("cannot ", verb, " '", path, "'");
  // "a/b" where a is a file: for our callers the path simply does not exist.
  if (error == ENOTDIR) return absl::NotFoundError(absl::StrCat(what, ": Not a directory"));
  if (error == ENAMETOOLONG) return absl::InvalidArgumentError(absl::StrCat(what, ": File name too long"));
  return absl::ErrnoToStatus(error, what);
}

absl::Status TooLong(const std::string& path, int64_t max_bytes) {
  return absl::ResourceExhaustedError(absl::StrCat("file '", path, "': expected at most ", max_bytes, " bytes"));
}

absl::Status WriteAll(int fd, std::string_view contents, const std::string& path) {
  while (!contents.empty()) {
    const ssize_t n = write(fd, contents.data(), contents.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(errno, "write", path);
    contents.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

// Writes and syncs a new file; on failure it may be left there half-written.
absl::Status WriteNewFile(const std::string& path, std::span<const std::string_view> pieces) {
  ScopedFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (fd.get() < 0) return SystemError(errno, "create", path);
  for (const std::string_view piece : pieces) RETURN_IF_ERROR(WriteAll(fd.get(), piece, path));
  if (fsync(fd.get()) != 0) return SystemError(errno, "sync", path);
  if (close(fd.release()) != 0) return SystemError(errno, "close", path);
  return absl::OkStatus();
}

absl::Status SyncDirectory(const std::string& path) {
  ScopedFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError(errno, "open", path);
  // Some file systems cannot sync a directory and say EINVAL; the rename is as durable there as it gets.
  if (fsync(fd.get()) != 0 && errno != EINVAL) return SystemError(errno, "sync", path);
  return absl::OkStatus();
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string TemporaryNameBeside(const std::string& path) {
  static std::atomic<uint64_t> counter{0};
  return absl::StrCat(path, ".tmp.", getpid(), ".", counter.fetch_add(1));
}

// Absolute, without symbolic links, "." and "..".
absl::StatusOr<std::string> RealPath(const std::string& path) {
  char* real = realpath(path.c_str(), nullptr);
  if (real == nullptr) return SystemError(errno, "find", path);
  std::string result = real;
  std::free(real);
  return result;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t max_bytes) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer; regular files ignore it.
  const ScopedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return SystemError(errno, "open", path);
  struct stat info;
  if (fstat(fd.get(), &info) != 0) return SystemError(errno, "stat", path);
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError(absl::StrCat("'", path, "': not a regular file"));
  if (info.st_size > max_bytes) return TooLong(path, max_bytes);

  // The size is a hint only: files of /proc and /sys claim 0 or 4096, and a file may grow while it is read.
  constexpr size_t kChunk = size_t{64} << 10;
  std::string contents;
  contents.reserve(static_cast<size_t>(info.st_size));
  size_t used = 0;
  while (true) {
    const size_t ahead = std::max(kChunk, static_cast<size_t>(info.st_size) + 1 - std::min<size_t>(used, info.st_size));
    contents.resize(used + ahead);
    const ssize_t n = read(fd.get(), contents.data() + used, ahead);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError(errno, "read", path);
    used += static_cast<size_t>(n);
    if (static_cast<int64_t>(used) > max_bytes) return TooLong(path, max_bytes);
    if (n == 0) break;
  }
  contents.resize(used);
  return contents;
}

absl::Status WriteFileAtomically(const std::string& path, const std::string& contents) {
  const std::string_view piece = contents;
  return WriteFileAtomically(path, std::span(&piece, 1));
}

absl::Status WriteFileAtomically(const std::string& path, std::span<const std::string_view> pieces) {
  const std::string temporary = TemporaryNameBeside(path);
  absl::Status status = WriteNewFile(temporary, pieces);
  if (status.ok() && rename(temporary.c_str(), path.c_str()) != 0) status = SystemError(errno, "replace", path);
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  return SyncDirectory(ParentOf(path));
}

absl::Status RenameDurably(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) return SystemError(errno, "rename", from);
  return SyncDirectory(ParentOf(to));
}

absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path) {
  DIR* dir = opendir(path.c_str());
  if (dir == nullptr) return SystemError(errno, "list", path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(dir)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  const int error = errno;
  closedir(dir);
  if (error != 0) return SystemError(error, "list", path);
  std::sort(names.begin(), names.end());
  return names;
}

bool IsDirectory(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool IsRegularFile(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

absl::Status CheckWithin(const std::string& root, const std::string& path) {
  ASSIGN_OR_RETURN(std::string folder, RealPath(root));
  ASSIGN_OR_RETURN(const std::string real, RealPath(path));
  if (folder != "/") folder.push_back('/');
  if (absl::StrCat(real, "/").compare(0, folder.size(), folder) == 0) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("'", path, "': expected a path within '", root, "'"));
}

}  // namespace beak
