#include "client/bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace beak::bench {

// For a value of w > kBits bits the kBits - 1 bits after the leading one tell buckets of one width apart, so a power of
// two has kPerPower / 2 of them.
size_t Histogram::BucketOf(uint64_t value) {
  const int width = std::bit_width(value);
  if (width <= kBits) return static_cast<size_t>(value);
  const int shift = width - kBits;
  return kPerPower / 2 * static_cast<size_t>(shift) + static_cast<size_t>(value >> shift);
}

uint64_t Histogram::Largest(size_t bucket) {
  if (bucket < kPerPower) return bucket;
  const size_t shift = bucket / (kPerPower / 2) - 1;
  const uint64_t leading = bucket - kPerPower / 2 * shift;
  return ((leading + 1) << shift) - 1;
}

void Histogram::Add(std::chrono::nanoseconds duration) {
  const auto value = static_cast<uint64_t>(std::max<int64_t>(duration.count(), 0));
  ++counts_[BucketOf(value)];
  ++count_;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

std::chrono::nanoseconds Histogram::Mean() const {
  if (count_ == 0) return std::chrono::nanoseconds(0);
  return std::chrono::nanoseconds(std::llround(sum_ / static_cast<double>(count_)));
}

std::chrono::nanoseconds Histogram::Percentile(double share) const {
  const auto rank = static_cast<uint64_t>(std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket];
    if (seen >= std::max<uint64_t>(rank, 1)) {
      return std::chrono::nanoseconds(static_cast<int64_t>(std::min(Largest(bucket), max_)));
    }
  }
  return std::chrono::nanoseconds(0);
}

}  // namespace beak::bench
