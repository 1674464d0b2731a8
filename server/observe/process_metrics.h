#pragma once

#include <cstdint>
#include <optional>

#include "engine/base/cpu.h"
#include "engine/base/mutex.h"
#include "server/observe/families.h"

namespace beak {

// What the system says about this process at one moment.
struct ProcessSample {
  std::chrono::nanoseconds cpu{0};
  int64_t resident_bytes = 0;
  std::optional<CpuThrottling> throttling;  // absent without a CPU quota

  static ProcessSample Take();
};

// The series about the process as a whole. *Thread-safe.*
class ProcessMetrics {
 public:
  // `families` must outlive it.
  explicit ProcessMetrics(Families& families);

  // Counters never go back, also where samples of several threads come in the wrong order.
  void Show(const ProcessSample& sample) EXCLUDES(mutex_);

 private:
  Mutex mutex_;  // of raising a counter to a value
  prometheus::Counter& cpu_seconds_;
  prometheus::Counter& periods_;
  prometheus::Counter& throttled_periods_;
  prometheus::Counter& throttled_seconds_;
  prometheus::Gauge& resident_;
};

}  // namespace beak
