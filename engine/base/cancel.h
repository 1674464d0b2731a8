#pragma once

#include <atomic>

namespace beak {

// Whether to stop, looked at between steps. *Thread-safe.*
class StopCondition {
 public:
  virtual ~StopCondition() = default;
  virtual bool ShouldStop() const = 0;
};

// A wish to stop that one thread expresses. *Thread-safe.*
class CancelToken final : public StopCondition {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  bool ShouldStop() const override { return cancelled(); }

 private:
  std::atomic<bool> cancelled_{false};
};

}  // namespace beak
