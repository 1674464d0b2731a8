#include "server/observe/process_metrics.h"

#include "engine/base/clock.h"
#include "engine/base/process.h"

namespace beak {

ProcessSample ProcessSample::Take() { return {ProcessCpuTime(), ResidentBytes(), ProcessThrottling()}; }

ProcessMetrics::ProcessMetrics(Families& families)
    : cpu_seconds_(families.process_cpu_seconds.Add({})),
      periods_(families.cpu_periods.Add({})),
      throttled_periods_(families.cpu_throttled_periods.Add({})),
      throttled_seconds_(families.cpu_throttled_seconds.Add({})),
      resident_(families.memory.Add({{"kind", "resident"}})) {}

void ProcessMetrics::Show(const ProcessSample& sample) {
  resident_.Set(static_cast<double>(sample.resident_bytes));
  MutexLock lock(mutex_);
  RaiseTo(cpu_seconds_, Seconds(sample.cpu));
  if (!sample.throttling) return;
  RaiseTo(periods_, static_cast<double>(sample.throttling->periods));
  RaiseTo(throttled_periods_, static_cast<double>(sample.throttling->throttled_periods));
  RaiseTo(throttled_seconds_, Seconds(sample.throttling->throttled));
}

}  // namespace beak
