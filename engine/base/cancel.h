#pragma once

#include <atomic>

namespace beak {

// Whether to stop, looked at between steps. *Thread-safe.*
class StopCondition {
 public:
  virtual ~StopCondition() = default;
  // `done`: the part of the work that is behind, about, in [0, 1).
  virtual bool ShouldStop(double done) const = 0;
};

// A wish to stop that one thread expresses. *Thread-safe.*
class CancelToken final : public StopCondition {
 public:
  void Cancel() { cancelled_.store(true, std::memory_order_relaxed); }
  bool cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  bool ShouldStop(double) const override { return cancelled(); }

 private:
  std::atomic<bool> cancelled_{false};
};

}  // namespace beak
