#include "server/observe/trace_events.h"

#include <utility>

#include "server/observe/version_observer.h"

namespace beak {
namespace {

constexpr char kExecution[] = "execution";
constexpr char kRequest[] = "request";

double Microseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

std::vector<TraceArg> RequestArgs(const RequestTrace& request) {
  const RequestObservation& seen = request.observation;
  std::vector<TraceArg> args = {{"model", request.model},
                                {"version", request.version},
                                {"rows", seen.rows},
                                {"outcome", OutcomeLabel(seen.outcome)}};
  if (request.batch != 0) args.push_back({"batch", static_cast<int64_t>(request.batch)});
  if (!request.id.empty()) args.push_back({"id", std::string(request.id.substr(0, kMaxTraceText))});
  if (request.context) args.push_back({"trace_id", request.context->TraceIdText()});
  if (seen.deadline != kNever) {
    if (seen.run_began) args.push_back({"slack_at_run_us", Microseconds(seen.deadline - *seen.run_began)});
    args.push_back({"slack_at_answer_us", Microseconds(seen.deadline - seen.answered)});
  }
  return args;
}

}  // namespace

std::vector<TraceEvent> ToTraceEvents(const ExecutionTrace& execution) {
  const ComputeTimes& times = execution.times;
  const int track = LaneTrack(execution.lane);
  const MonotonicTime run = execution.began + times.input;
  const MonotonicTime ran = run + times.infer;
  const MonotonicTime end = ran + times.output;
  std::vector<TraceArg> args = {{"batch", static_cast<int64_t>(execution.batch)},
                                {"model", execution.model},
                                {"version", execution.version},
                                {"rows", execution.rows},
                                {"requests", execution.requests},
                                {"threads", int64_t{execution.threads}}};
  return {{execution.model, kExecution, execution.began, end, track, 0, std::move(args)},
          {"rows in", kExecution, execution.began, run, track, 0, {}},
          {"run", kExecution, run, ran, track, 0, {}},
          {"rows out", kExecution, ran, end, track, 0, {}}};
}

std::vector<TraceEvent> ToTraceEvents(const RequestTrace& request) {
  const RequestObservation& seen = request.observation;
  std::vector<TraceEvent> events = {
      {"request", kRequest, seen.received, seen.answered, 0, request.number, RequestArgs(request)}};
  if (seen.left_queue) {
    events.push_back({"queue", kRequest, seen.received, *seen.left_queue, 0, request.number, {}});
  }
  if (seen.run_began) events.push_back({"run", kRequest, *seen.run_began, seen.answered, 0, request.number, {}});
  return events;
}

}  // namespace beak
