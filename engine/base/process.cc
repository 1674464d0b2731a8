#include "engine/base/process.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "engine/base/cgroup.h"

namespace beak {
namespace {

std::chrono::nanoseconds ToDuration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

std::chrono::nanoseconds ProcessCpuTime() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return ToDuration(usage.ru_utime) + ToDuration(usage.ru_stime);
}

std::chrono::nanoseconds ThreadCpuTime() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

int64_t ResidentBytes() {
  const std::vector<std::string> pages = ReadWords("/proc/self/statm");  // size, resident, ...: see proc(5)
  int64_t resident = 0;
  if (pages.size() < 2 || !absl::SimpleAtoi(pages[1], &resident)) return 0;
  return resident * sysconf(_SC_PAGESIZE);
}

int64_t PeakResidentBytes() {
  const std::vector<std::string> words = ReadWords("/proc/self/status");
  const auto name = std::find(words.begin(), words.end(), "VmHWM:");
  int64_t kilobytes = 0;
  if (words.end() - name < 2 || !absl::SimpleAtoi(name[1], &kilobytes)) return 0;
  return kilobytes * 1024;
}

}  // namespace beak
