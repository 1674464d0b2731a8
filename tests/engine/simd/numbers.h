#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace beak::simd {

// Numbers between -1 and 1, the same for the same seed on every machine.
inline std::vector<float> Numbers(int64_t count, uint32_t seed) {
  std::mt19937 bits(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(bits()) / 2147483648.0f - 1;
  return values;
}

}  // namespace beak::simd
