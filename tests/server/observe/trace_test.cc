#include "server/observe/trace.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using testing::StatusIs;

using std::chrono::microseconds;
using std::chrono::nanoseconds;

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The events of a phase.
std::vector<nlohmann::json> OfPhase(const nlohmann::json& trace, const std::string& phase) {
  std::vector<nlohmann::json> events;
  for (const nlohmann::json& event : trace) {
    if (event["ph"] == phase) events.push_back(event);
  }
  return events;
}

class TraceTest : public ::testing::Test {
 protected:
  void Open(int64_t max_file_bytes = int64_t{1} << 20, size_t max_buffer_bytes = size_t{1} << 20) {
    absl::StatusOr<std::unique_ptr<TraceWriter>> writer =
        TraceWriter::Create({path_, max_file_bytes, max_buffer_bytes}, clock_);
    ASSERT_OK(writer);
    writer_ = *std::move(writer);
  }
  TraceEvent Event(const std::string& name) const {
    TraceEvent event{name, "test", clock_.Now(), clock_.Now() + microseconds(5), 1, 0, {}};
    return event;
  }
  void Record(const TraceEvent& event) { writer_->Record({&event, 1}); }
  // Ends the trace and reads it back.
  nlohmann::json Close() {
    writer_.reset();
    return nlohmann::json::parse(Contents(path_));
  }

  const testing::TempDir dir_;
  const std::string path_ = dir_ / "trace.json";
  testing::FakeClock clock_;
  std::unique_ptr<TraceWriter> writer_;
};

TEST_F(TraceTest, WritesCompleteEventsInMicrosecondsSinceTheStart) {
  Open();
  clock_.Advance(nanoseconds(1'234'567));
  TraceEvent event = Event("run");
  event.end = event.begin + nanoseconds(1500);
  event.track = 3;
  event.args = {{"model", "mnist"}, {"rows", int64_t{8}}, {"slack", -0.5}};
  writer_->NameTrack(3, "lane 2");
  Record(event);
  const nlohmann::json trace = Close();

  const std::vector<nlohmann::json> complete = OfPhase(trace, "X");
  ASSERT_EQ(complete.size(), 1u);
  const nlohmann::json expected = {
      {"name", "run"},  {"cat", "test"}, {"ph", "X"}, {"pid", 1},
      {"ts", 1234.567}, {"dur", 1.5},    {"tid", 3},  {"args", {{"model", "mnist"}, {"rows", 8}, {"slack", -0.5}}}};
  EXPECT_EQ(complete[0], expected);
  const std::vector<nlohmann::json> names = OfPhase(trace, "M");
  ASSERT_EQ(names.size(), 3u) << "process, row, the row's place";
  EXPECT_EQ(names[1]["name"], "thread_name");
  EXPECT_EQ(names[1]["tid"], 3);
  EXPECT_EQ(names[1]["args"]["name"], "lane 2");
}

TEST_F(TraceTest, WhatHasNoRowBeginsAndEnds) {
  Open();
  const MonotonicTime start = clock_.Now();
  const auto at = [&](int us) { return start + microseconds(us); };
  const std::vector<TraceEvent> events = {{"request", "r", at(0), at(9), 0, 0xabc, {{"rows", int64_t{1}}}},
                                          {"queue", "r", at(0), at(4), 0, 0xabc, {}},
                                          {"run", "r", at(4), at(9), 0, 0xabc, {}}};
  writer_->Record(events);
  std::vector<std::string> lines;
  for (const nlohmann::json& event : Close()) {
    if (event["ph"] == "M") continue;
    EXPECT_EQ(event["id"], "0xabc");
    lines.push_back(absl::StrCat(event["ph"].get<std::string>(), " ", event["name"].get<std::string>(), " ",
                                 event["ts"].get<int>()));
  }
  EXPECT_THAT(lines, ElementsAre("b request 0", "b queue 0", "e queue 4", "b run 4", "e run 9", "e request 9"));
}

TEST_F(TraceTest, NothingThatAClientSendsBreaksTheFile) {
  Open();
  TraceEvent event = Event("a\"},\n{\xff");
  event.args = {{"id", std::string("\0\"\\\n\xed\xa0\x80 \xc3\xa9", 11)},
                {"long", std::string(100'000, '\xc3')},
                {"nan", std::numeric_limits<double>::quiet_NaN()},
                {"inf", std::numeric_limits<double>::infinity()}};
  Record(event);
  writer_->NameTrack(1, "\xfe\"");
  const nlohmann::json trace = Close();
  const std::vector<nlohmann::json> complete = OfPhase(trace, "X");
  ASSERT_EQ(complete.size(), 1u);
  EXPECT_EQ(complete[0]["name"], "a\"},\n{\xef\xbf\xbd");
  EXPECT_THAT(complete[0]["args"]["id"].get<std::string>(), StartsWith(std::string("\0\"\\\n", 4)));
  EXPECT_EQ(complete[0]["args"]["long"].get<std::string>().size(), 3 * kMaxTraceText) << "U+FFFD has three bytes";
  EXPECT_EQ(complete[0]["args"]["nan"], "nan");
}

// What chrome://tracing reads where the process died: the array without its end, events whole.
TEST_F(TraceTest, EveryEventIsALineOfItsOwn) {
  Open();
  for (int i = 0; i < 10; ++i) Record(Event(absl::StrCat("e", i)));
  writer_.reset();
  std::ifstream file(path_);
  std::string line;
  std::getline(file, line);
  EXPECT_EQ(line, "[");
  int events = 0;
  while (std::getline(file, line) && line != "]") {
    if (line.back() == ',') line.pop_back();
    EXPECT_TRUE(nlohmann::json::accept(line)) << line;
    ++events;
  }
  EXPECT_EQ(events, 11);
}

TEST_F(TraceTest, AFullFileEndsTheTraceWellFormed) {
  constexpr int64_t kMaxBytes = 2000;
  constexpr int kEvents = 100;
  ::testing::internal::CaptureStderr();
  Open(kMaxBytes);
  for (int i = 0; i < kEvents; ++i) Record(Event("event"));
  const int64_t dropped = writer_->dropped();
  const nlohmann::json trace = Close();
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_LE(std::filesystem::file_size(path_), static_cast<uintmax_t>(kMaxBytes));
  EXPECT_GT(std::filesystem::file_size(path_), static_cast<uintmax_t>(kMaxBytes * 9 / 10));
  EXPECT_GT(dropped, 0);
  EXPECT_EQ(static_cast<int64_t>(OfPhase(trace, "X").size()) + dropped, kEvents);
  const size_t told = log.find("trace file is full");
  EXPECT_NE(told, std::string::npos) << log;
  EXPECT_EQ(log.find("trace file is full", told + 1), std::string::npos) << log;
}

TEST_F(TraceTest, AFullBufferDropsWholeGroupsAndCountsThem) {
  // A pipe that nobody reads holds the writer's thread up for as long as the test likes.
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const int reader = open(path_.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  constexpr int64_t kGroups = 10'000;  // far more than pipe and buffers take
  Open(int64_t{1} << 30, 1 << 14);
  for (int64_t i = 0; i < kGroups; ++i) {
    const std::vector<TraceEvent> group = {Event("first"), Event("second")};
    writer_->Record(group);
  }
  const int64_t dropped = writer_->dropped();
  EXPECT_GT(dropped, 0);
  EXPECT_LT(dropped, 2 * kGroups);

  ASSERT_EQ(fcntl(reader, F_SETFL, 0), 0);  // from now on reads wait
  std::string text;
  std::thread reading([&] {
    char chunk[1 << 14];
    for (ssize_t n; (n = read(reader, chunk, sizeof(chunk))) > 0;) text.append(chunk, static_cast<size_t>(n));
  });
  writer_.reset();
  reading.join();
  close(reader);
  std::map<std::string, int64_t> counts;
  for (const nlohmann::json& event : OfPhase(nlohmann::json::parse(text), "X")) ++counts[event["name"]];
  EXPECT_EQ(counts["first"], counts["second"]);
  EXPECT_EQ(counts["first"] + counts["second"] + dropped, 2 * kGroups);
}

TEST_F(TraceTest, AFileThatCannotBeWrittenEndsTheTraceOnly) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  ::testing::internal::CaptureStderr();
  ASSERT_OK_AND_ASSIGN(writer_, TraceWriter::Create({"/dev/full"}, clock_));
  for (int i = 0; i < 100; ++i) Record(Event("event"));
  writer_.reset();
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("trace file cannot be written"));
  EXPECT_THAT(log, HasSubstr("events_dropped=100"));
}

TEST_F(TraceTest, AFileThatCannotBeMadeIsAnError) {
  EXPECT_THAT(TraceWriter::Create({dir_ / "no/such/folder"}, clock_),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no/such/folder")));
}

TEST_F(TraceTest, ThreadsRecordAtTheSameTime) {
  constexpr int kThreads = 4;
  constexpr int kEvents = 500;
  Open();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([this, thread] {
      for (int i = 0; i < kEvents; ++i) Record(Event(absl::StrCat(thread, ".", i)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(writer_->dropped(), 0);
  std::set<std::string> names;
  for (const nlohmann::json& event : OfPhase(Close(), "X")) names.insert(event["name"].get<std::string>());
  EXPECT_EQ(names.size(), static_cast<size_t>(kThreads * kEvents));
}

}  // namespace
}  // namespace beak
