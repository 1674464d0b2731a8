#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "server/observe/trace.h"
#include "server/observe/trace_events.h"
#include "server/observe/trace_sampler.h"

namespace beak {

// Traces a sampled share of the requests, and the executions that they were in. Without a writer it traces nothing.
// *Thread-safe.*
class Tracer {
 public:
  Tracer() : sampler_(0) {}
  // REQUIRES: 0 <= rate <= 1.
  Tracer(std::unique_ptr<TraceWriter> writer, double rate) : writer_(std::move(writer)), sampler_(rate) {}

  // The number of a request that is to be traced; 0 for one that is not. Call once a request.
  uint64_t BeginRequest(const std::optional<TraceContext>& context) {
    return writer_ && sampler_.Sample(context) ? ++requests_ : 0;
  }
  // A number for an execution.
  uint64_t BeginBatch() { return ++batches_; }

  template <typename Trace>  // RequestTrace or ExecutionTrace
  void Record(const Trace& trace) {
    if (writer_) writer_->Record(ToTraceEvents(trace));
  }

 private:
  const std::unique_ptr<TraceWriter> writer_;
  TraceSampler sampler_;
  std::atomic<uint64_t> requests_{0};
  std::atomic<uint64_t> batches_{0};
};

}  // namespace beak
