#include "server/observe/trace_sampler.h"

#include <cmath>

#include "engine/base/check.h"

namespace beak {
namespace {

// Rounded up, so that a rate of 1/n takes every n-th request and not now and then the one after it.
uint64_t Step(double rate) {
  BEAK_CHECK(rate >= 0 && rate <= 1);
  return static_cast<uint64_t>(std::ceil(std::ldexp(rate, 32)));
}

}  // namespace

TraceSampler::TraceSampler(double rate) : step_(Step(rate)) {}

// Whether the sum of the rates of all requests so far has just passed a whole number. Overflow does no harm: it drops
// whole numbers only.
bool TraceSampler::Next() {
  if (step_ == 0) return false;
  const uint64_t before = requests_.fetch_add(1, std::memory_order_relaxed) * step_;
  return (before + step_) >> 32 != before >> 32;
}

}  // namespace beak
