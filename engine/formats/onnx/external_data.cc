#include "engine/formats/onnx/external_data.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "engine/base/checked.h"
#include "engine/base/status.h"

namespace beak::onnx_format {
namespace {

class ScopedFd {
 public:
  explicit ScopedFd(int fd) : fd_(fd) {}
  ~ScopedFd() {
    if (fd_ >= 0) close(fd_);
  }
  ScopedFd(ScopedFd&& other) : fd_(std::exchange(other.fd_, -1)) {}
  ScopedFd& operator=(ScopedFd&& other) {
    std::swap(fd_, other.fd_);
    return *this;
  }

  int get() const { return fd_; }

 private:
  int fd_;
};

absl::StatusOr<std::vector<std::string>> SafeComponents(const std::string& path) {
  if (path.find('\0') != std::string::npos)
    return absl::InvalidArgumentError("location: expected a path, got a zero byte");
  std::vector<std::string> components = absl::StrSplit(path, '/');
  for (const std::string& component : components) {
    if (component.empty() || component == "." || component == "..") {
      return absl::InvalidArgumentError(
          "location: expected a relative path without '.' or '..', beneath the model's folder");
    }
  }
  return components;
}

absl::Status OpenError(int error) {
  // O_NOFOLLOW says ELOOP for a link to a file; with O_DIRECTORY a link to a folder is ENOTDIR.
  if (error == ELOOP) return absl::InvalidArgumentError("location: expected a file, got a symbolic link");
  if (error == ENOTDIR) return absl::InvalidArgumentError("location: expected a folder on the way, got something else");
  return absl::ErrnoToStatus(error, "cannot open");
}

// Component by component and without following links: a path that is checked as text and opened as a whole could be
// led elsewhere by a link.
absl::StatusOr<ScopedFd> OpenBeneath(const std::string& folder, const std::string& path) {
  if (folder.empty()) return absl::InvalidArgumentError("external data: not allowed here");
  ASSIGN_OR_RETURN(const std::vector<std::string> components, SafeComponents(path));
  ScopedFd fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return OpenError(errno);
  for (size_t i = 0; i < components.size(); ++i) {
    // O_NONBLOCK: a FIFO must not make us wait for its writer.
    const int kind = i + 1 < components.size() ? O_DIRECTORY : O_NONBLOCK;
    ScopedFd next(openat(fd.get(), components[i].c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind));
    if (next.get() < 0) return OpenError(errno);
    fd = std::move(next);
  }
  return fd;
}

absl::Status CheckRange(int fd, const ExternalLocation& location, int64_t size) {
  if (location.length >= 0 && location.length != size) {
    return absl::InvalidArgumentError(
        absl::StrCat("length: expected ", size, " bytes for its type and shape, got ", location.length));
  }
  struct stat info;
  if (fstat(fd, &info) != 0) return absl::ErrnoToStatus(errno, "cannot stat");
  if (!S_ISREG(info.st_mode)) return absl::InvalidArgumentError("location: expected a regular file");
  const std::optional<int64_t> end = CheckedAdd(location.offset, size);
  if (location.offset < 0 || !end || *end > info.st_size) {
    return absl::DataLossError(absl::StrCat("file: expected ", size, " bytes at ", location.offset, ", got a file of ",
                                            static_cast<int64_t>(info.st_size)));
  }
  return absl::OkStatus();
}

absl::Status ReadFully(int fd, int64_t offset, Buffer& buffer) {
  size_t done = 0;
  while (done < buffer.size()) {
    const ssize_t n = pread(fd, buffer.data() + done, buffer.size() - done, offset + static_cast<int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return absl::ErrnoToStatus(errno, "cannot read");
    if (n == 0) return absl::DataLossError("file: ended while it was read");
    done += static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<Buffer>> Read(const std::string& folder, const ExternalLocation& location,
                                             int64_t size) {
  ASSIGN_OR_RETURN(const ScopedFd fd, OpenBeneath(folder, location.path));
  RETURN_IF_ERROR(CheckRange(fd.get(), location, size));
  std::shared_ptr<Buffer> buffer = Buffer::Allocate(static_cast<size_t>(size));
  RETURN_IF_ERROR(ReadFully(fd.get(), location.offset, *buffer));
  return buffer;
}

}  // namespace

absl::StatusOr<std::shared_ptr<Buffer>> ReadExternalData(const std::string& folder, const ExternalLocation& location,
                                                         int64_t size) {
  absl::StatusOr<std::shared_ptr<Buffer>> buffer = Read(folder, location, size);
  if (!buffer.ok()) return Annotate(buffer.status(), absl::StrCat("external data '", location.path, "'"));
  return buffer;
}

}  // namespace beak::onnx_format
