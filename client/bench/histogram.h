#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace beak::bench {

// Counts durations in buckets that are within 1 % of each other's size, whatever their size: bounded memory, no matter
// how many or how long. *Thread-compatible.* A value type.
class Histogram {
 public:
  // A negative duration counts as none.
  void Add(std::chrono::nanoseconds duration);

  uint64_t count() const { return count_; }
  std::chrono::nanoseconds max() const { return std::chrono::nanoseconds(max_); }
  // 0 where there is nothing, here and below.
  std::chrono::nanoseconds Mean() const;
  // The shortest duration that at least this share of all does not exceed; too long by 1 % at most.
  std::chrono::nanoseconds Percentile(double share) const;

 private:
  // As in a floating-point number: values below 2^kBits are their own bucket, others keep their kBits leading bits.
  static constexpr int kBits = 8;
  static constexpr size_t kPerPower = size_t{1} << kBits;
  static constexpr size_t kBuckets = kPerPower / 2 * (64 - kBits) + kPerPower;

  static size_t BucketOf(uint64_t value);
  static uint64_t Largest(size_t bucket);

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace beak::bench
