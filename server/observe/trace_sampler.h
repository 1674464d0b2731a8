#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "server/observe/trace_context.h"

namespace beak {

// Decides which requests are traced: a share of all, evenly spaced by count, so that the same requests in the same
// order give the same trace; and every one whose caller records it. *Thread-safe.*
class TraceSampler {
 public:
  // REQUIRES: 0 <= rate <= 1. With 0.01, every hundredth request.
  explicit TraceSampler(double rate);

  // Whether the next request, which is part of `context`, is traced. Call once a request.
  bool Sample(const std::optional<TraceContext>& context) { return Next() || (context && context->sampled()); }

 private:
  bool Next();

  const uint64_t step_;  // the rate, in 2^-32
  std::atomic<uint64_t> requests_{0};
};

}  // namespace beak
