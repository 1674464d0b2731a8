#include "engine/base/process.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstring>

namespace beak {
namespace {

TEST(ProcessCpuTimeTest, GrowsWithWork) {
  const std::chrono::nanoseconds before = ProcessCpuTime();
  volatile uint64_t sum = 0;
  // The system may count in ticks; work goes on until one has passed.
  while (ProcessCpuTime() == before) {
    for (int i = 0; i < 100'000; ++i) sum = sum + 1;
  }
  EXPECT_GT(ProcessCpuTime(), before);
}

TEST(ResidentBytesTest, CountsPagesThatAreTouched) {
  constexpr size_t kBytes = size_t{32} << 20;
  const int64_t before = ResidentBytes();
  ASSERT_GT(before, 0);
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, kBytes);
  EXPECT_GT(ResidentBytes(), before + static_cast<int64_t>(kBytes / 2));
  munmap(memory, kBytes);
}

TEST(ResidentBytesTest, ThePeakIsRemembered) {
  constexpr size_t kBytes = size_t{32} << 20;
  const int64_t before = ResidentBytes();
  void* memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, kBytes);
  munmap(memory, kBytes);
  EXPECT_GT(PeakResidentBytes(), before + static_cast<int64_t>(kBytes / 2));
  EXPECT_LT(ResidentBytes(), PeakResidentBytes());
}

}  // namespace
}  // namespace beak
