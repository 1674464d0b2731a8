#pragma once

#include <atomic>

namespace beak {

// A wish to stop that one thread expresses and others look at between steps. *Thread-safe.*
class CancelToken {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> cancelled_{false};
};

}  // namespace beak
