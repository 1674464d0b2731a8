#pragma once

#include <chrono>
#include <thread>

namespace beak::testing {

// Whether the condition comes to hold, which is looked at again and again for up to a minute.
template <typename Condition>
bool Eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

}  // namespace beak::testing
