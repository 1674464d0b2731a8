#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/scoped_fd.h"

namespace beak {

// What a job's processes write to stderr: appended to a file, which at half of the limit becomes FILE.1 (in the place
// of the one before), so that both together stay below it. What cannot be written is lost: a log is no reason to fail.
// *Thread-compatible.*
class JobLog {
 public:
  explicit JobLog(std::string path, int64_t max_bytes = int64_t{4} << 20);

  void Append(std::string_view text);

  // The last line with something on it, cut to what fits into a message; printable ASCII, all else is '?'.
  std::string last_line() const;

 private:
  void Open();
  void Keep(std::string_view text);

  const std::string path_;
  const int64_t max_bytes_;
  ScopedFd file_;
  int64_t size_ = 0;
  std::string line_;  // that is being written
  std::string last_;  // the one before it
};

}  // namespace beak
