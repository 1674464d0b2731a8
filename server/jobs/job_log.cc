#include "server/jobs/job_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace beak {
namespace {

constexpr size_t kMaxLine = 300;

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    text.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace

JobLog::JobLog(std::string path, int64_t max_bytes) : path_(std::move(path)), max_bytes_(max_bytes) { Open(); }

void JobLog::Open() {
  file_.reset(open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666));
  struct stat info;
  const bool usable = file_.get() >= 0 && fstat(file_.get(), &info) == 0 && S_ISREG(info.st_mode);
  if (!usable) file_.reset();
  size_ = usable ? info.st_size : 0;
}

void JobLog::Append(std::string_view text) {
  Keep(text);
  const auto half = static_cast<size_t>(max_bytes_ / 2);
  while (!text.empty()) {
    if (size_ >= max_bytes_ / 2) {
      rename(path_.c_str(), (path_ + ".1").c_str());
      Open();
      if (size_ >= max_bytes_ / 2) return;  // it could not be put aside
    }
    const std::string_view part = text.substr(0, half - static_cast<size_t>(size_));
    WriteAll(file_.get(), part);
    size_ += static_cast<int64_t>(part.size());
    text.remove_prefix(part.size());
  }
}

void JobLog::Keep(std::string_view text) {
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      if (!line_.empty()) last_ = std::exchange(line_, "");
    } else if (line_.size() < kMaxLine) {
      line_.push_back(c >= 0x20 && c < 0x7f ? c : '?');
    }
  }
}

std::string JobLog::last_line() const { return line_.empty() ? last_ : line_; }

}  // namespace beak
