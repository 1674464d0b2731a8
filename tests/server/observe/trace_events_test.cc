#include "server/observe/trace_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

using std::chrono::milliseconds;

const MonotonicTime kStart(std::chrono::hours(1));

// "name begin..end", in milliseconds.
std::vector<std::string> Spans(const std::vector<TraceEvent>& events) {
  const auto at = [](MonotonicTime time) {
    return std::to_string(std::chrono::duration_cast<milliseconds>(time - kStart).count());
  };
  std::vector<std::string> spans;
  for (const TraceEvent& event : events) spans.push_back(event.name + " " + at(event.begin) + ".." + at(event.end));
  return spans;
}

MATCHER_P2(IsArg, name, value, "") { return std::string(arg.name) == name && arg.value == decltype(arg.value)(value); }
MATCHER_P(IsNamed, name, "") { return std::string(arg.name) == name; }

TEST(TraceEventsTest, AnExecutionIsOnItsLanesRow) {
  ExecutionTrace execution{7, 2, 1, "mnist", 3, 8, 5, kStart, {milliseconds(1), milliseconds(10), milliseconds(2)}};
  const std::vector<TraceEvent> events = ToTraceEvents(execution);
  EXPECT_THAT(Spans(events), ElementsAre("mnist 0..13", "rows in 0..1", "run 1..11", "rows out 11..13"));
  for (const TraceEvent& event : events) {
    EXPECT_EQ(event.track, LaneTrack(2));
    EXPECT_EQ(event.async, 0u);
  }
  EXPECT_THAT(events[0].args, AllOf(Contains(IsArg("batch", int64_t{7})), Contains(IsArg("rows", int64_t{8})),
                                    Contains(IsArg("requests", int64_t{5})), Contains(IsArg("version", int64_t{3}))));
}

RequestTrace Answered() {
  RequestTrace request;
  request.number = 42;
  request.id = "client's";
  request.model = "mnist";
  request.version = 3;
  request.batch = 7;
  request.observation.rows = 2;
  request.observation.received = kStart;
  request.observation.left_queue = kStart + milliseconds(3);
  request.observation.run_began = kStart + milliseconds(4);
  request.observation.answered = kStart + milliseconds(9);
  request.observation.deadline = kStart + milliseconds(6);
  return request;
}

TEST(TraceEventsTest, ARequestHasItsQueueAndItsRun) {
  RequestTrace request = Answered();
  request.context = ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  const std::vector<TraceEvent> events = ToTraceEvents(request);
  EXPECT_THAT(Spans(events), ElementsAre("request 0..9", "queue 0..3", "run 4..9"));
  for (const TraceEvent& event : events) EXPECT_EQ(event.async, 42u);
  EXPECT_THAT(events[0].args,
              AllOf(Contains(IsArg("outcome", std::string("ok"))), Contains(IsArg("id", std::string("client's"))),
                    Contains(IsArg("batch", int64_t{7})), Contains(IsArg("slack_at_run_us", 2000.0)),
                    Contains(IsArg("slack_at_answer_us", -3000.0)),
                    Contains(IsArg("trace_id", std::string("0af7651916cd43dd8448eb211c80319c")))));
}

TEST(TraceEventsTest, WhatARequestDidNotReachIsLeftOut) {
  RequestTrace request = Answered();
  request.id = "";
  request.batch = 0;
  request.observation.outcome = absl::StatusCode::kUnavailable;
  request.observation.left_queue = request.observation.run_began = std::nullopt;
  request.observation.deadline = kNever;
  const std::vector<TraceEvent> events = ToTraceEvents(request);
  EXPECT_THAT(Spans(events), ElementsAre("request 0..9"));
  EXPECT_THAT(events[0].args, Contains(IsArg("outcome", std::string("unavailable"))));
  for (const char* name : {"id", "batch", "trace_id", "slack_at_run_us", "slack_at_answer_us"}) {
    EXPECT_THAT(events[0].args, Not(Contains(IsNamed(name)))) << name;
  }
}

TEST(TraceEventsTest, ALongIdIsCut) {
  RequestTrace request = Answered();
  const std::string id(1 << 20, 'x');
  request.id = id;
  EXPECT_THAT(ToTraceEvents(request)[0].args, Contains(IsArg("id", std::string(kMaxTraceText, 'x'))));
}

}  // namespace
}  // namespace beak
