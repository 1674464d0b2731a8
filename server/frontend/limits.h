#pragma once

#include <algorithm>
#include <cstdint>

namespace beak {

// Bytes that a front end may hold of messages that are on their way in, over all connections: some of the largest that
// are allowed.
inline int64_t MaxHeldBytes(int64_t largest_message) {
  constexpr int64_t kLargestMessages = 4;
  constexpr int64_t kLeast = int64_t{1} << 30;
  return std::max(kLeast, kLargestMessages * largest_message);
}

}  // namespace beak
