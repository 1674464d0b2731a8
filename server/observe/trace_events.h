#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/observe/statistics.h"
#include "server/observe/trace.h"
#include "server/observe/trace_context.h"

// What happens in the server as events of a trace. Pure.
namespace beak {

// The row of a lane in a trace; lanes count from 0. Some viewers keep row 0 for themselves.
constexpr int LaneTrack(int lane) { return lane + 1; }

// One execution of a network: a batch on a lane.
struct ExecutionTrace {
  uint64_t batch = 0;  // its number, by which requests are found that were in it
  int lane = 0;
  int threads = 1;
  std::string model;
  int64_t version = 0;
  int64_t rows = 0;
  int64_t requests = 0;
  MonotonicTime began;  // to copy rows in
  ComputeTimes times;
};

// On the lane's row, one event named for the model, and in it the parts of the execution.
std::vector<TraceEvent> ToTraceEvents(const ExecutionTrace& execution);

// One request that has been answered.
struct RequestTrace {
  uint64_t number = 0;  // at least 1, and of this request alone
  std::string_view id;  // the client's; any bytes
  std::optional<TraceContext> context;
  std::string model;
  int64_t version = 0;
  uint64_t batch = 0;  // 0: it was in none
  RequestObservation observation;
};

// From its arrival to its answer, and in that its time in the queue and its run, as far as it got. The arguments say
// how much of its time was left when its run began and when it was answered; below 0 it was late.
std::vector<TraceEvent> ToTraceEvents(const RequestTrace& request);

}  // namespace beak
