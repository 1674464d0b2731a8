#include "server/observe/process_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <string>
#include <thread>
#include <vector>

namespace beak {
namespace {

using ::testing::HasSubstr;

using std::chrono::milliseconds;

std::string Text(const Families& families) {
  return prometheus::TextSerializer().Serialize(families.registry.Collect());
}

TEST(ProcessMetricsTest, ShowsWhatTheSystemSays) {
  Families families;
  ProcessMetrics metrics(families);
  metrics.Show({milliseconds(2500), 4096, CpuThrottling{40, 7, milliseconds(250)}});
  const std::string text = Text(families);
  for (const char* line :
       {"beak_process_cpu_seconds_total 2.5\n", "beak_memory_bytes{kind=\"resident\"} 4096\n",
        "beak_cpu_periods_total 40\n", "beak_cpu_throttled_periods_total 7\n",
        "beak_cpu_throttled_seconds_total 0.25\n", "# TYPE beak_cpu_throttled_seconds_total counter\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(ProcessMetricsTest, CountersAreThereWithoutAQuotaAndNeverGoBack) {
  Families families;
  ProcessMetrics metrics(families);
  EXPECT_THAT(Text(families), HasSubstr("beak_cpu_throttled_periods_total 0\n"));
  metrics.Show({milliseconds(2000), 1, CpuThrottling{40, 7, {}}});
  metrics.Show({milliseconds(1000), 1, CpuThrottling{30, 6, {}}});  // an older sample that comes later
  metrics.Show({milliseconds(1500), 2, std::nullopt});
  EXPECT_THAT(Text(families), HasSubstr("beak_process_cpu_seconds_total 2\n"));
  EXPECT_THAT(Text(families), HasSubstr("beak_cpu_periods_total 40\n"));
  EXPECT_THAT(Text(families), HasSubstr("beak_memory_bytes{kind=\"resident\"} 2\n"));
}

TEST(ProcessMetricsTest, ConcurrentScrapesCountOnce) {
  Families families;
  ProcessMetrics metrics(families);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int64_t i = 1; i <= 1000; ++i) metrics.Show({milliseconds(0), 0, CpuThrottling{i, i, {}}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Text(families), HasSubstr("beak_cpu_periods_total 1000\n"));
}

TEST(ProcessSampleTest, IsOfThisProcess) {
  const ProcessSample sample = ProcessSample::Take();
  EXPECT_GT(sample.resident_bytes, 0);
  EXPECT_GT(sample.cpu.count(), 0);
}

}  // namespace
}  // namespace beak
