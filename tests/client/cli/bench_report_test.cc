#include "client/cli/bench_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"

namespace beak::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

class BenchReportTest : public ::testing::Test {
 protected:
  BenchReportTest() {
    load_.concurrency = 8;
    tally_.duration = seconds(2);
    tally_.requests = 101;
    tally_.answered = tally_.in_time = 100;
    for (int i = 1; i <= 100; ++i) tally_.latency.Add(milliseconds(i));
    tally_.errors[absl::StatusCode::kUnavailable].latency.Add(milliseconds(1));
    tally_.errors[absl::StatusCode::kUnavailable].message = "full \xff";
  }

  std::string Text() { return ToText({"m", 4, load_, tally_}); }
  nlohmann::json Json() { return nlohmann::json::parse(ToJson({"m", 4, load_, tally_})); }

  bench::LoadOptions load_;
  bench::Tally tally_;
};

TEST_F(BenchReportTest, AClosedLoop) {
  EXPECT_THAT(Text(), HasSubstr("m: 8 at once, 1 connection, 4 rows a request\n101 requests in 2.0 s\n"
                                "throughput  50.0 requests/s, 200.0 rows/s\ngoodput     50.0 requests/s\n"
                                "latency ms  mean 50.500  p50 50."));
  EXPECT_THAT(Text(), HasSubstr("max 100.000\nerrors      1 UNAVAILABLE, after 1.000 ms (p99 1.000): full \xff\n"));
  const nlohmann::json json = Json();
  EXPECT_EQ(json["concurrency"], 8);
  EXPECT_EQ(json["requests_per_second"], 50);
  EXPECT_EQ(json["ok"], 100);
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["errors"]["UNAVAILABLE"]["count"], 1);
  EXPECT_EQ(json["latency_ms"]["max"], 100);
  EXPECT_NEAR(json["latency_ms"]["p99"], 99, 1);
  EXPECT_NEAR(json["latency_ms"]["p99_9"], 100, 1);
  EXPECT_EQ(json.count("rate"), 0u);
}

TEST_F(BenchReportTest, AnOpenLoopWithADeadline) {
  load_.concurrency = 0;
  load_.rate = 60;
  load_.connections = 2;
  load_.deadline = milliseconds(20);
  tally_.in_time = 20;
  tally_.blocked = 3;
  tally_.interrupted = true;
  EXPECT_THAT(Text(), HasSubstr("60 requests/s, poisson, 2 connections, 4 rows a request, deadline 20 ms\n"));
  EXPECT_THAT(Text(), HasSubstr("(interrupted)"));
  EXPECT_THAT(Text(), HasSubstr("goodput     10.0 requests/s\n"));
  EXPECT_THAT(Text(), HasSubstr("3 requests were sent late, because 4096 were under way"));
  const nlohmann::json json = Json();
  EXPECT_EQ(json["rate"], 60);
  EXPECT_EQ(json["arrival"], "poisson");
  EXPECT_EQ(json["goodput_per_second"], 10);
  EXPECT_EQ(json["deadline_ms"], 20);
  EXPECT_EQ(json["sent_late"], 3);
  EXPECT_TRUE(json["interrupted"]);
}

TEST_F(BenchReportTest, NothingIsNoDivisionByNothing) {
  tally_ = {};
  EXPECT_THAT(Text(), HasSubstr("latency ms  none\nerrors      none\n"));
  EXPECT_THAT(Text(), Not(HasSubstr("nan")));
  EXPECT_EQ(Json()["requests_per_second"], 0);
}

TEST_F(BenchReportTest, ProgressIsALine) {
  EXPECT_EQ(ProgressLine(tally_).substr(0, 35), "2 s: 50.0 requests/s, p99 99.090 ms");
}

TEST(ParseDurationTest, NumbersWithUnits) {
  EXPECT_EQ(ParseDuration("10s"), seconds(10));
  EXPECT_EQ(ParseDuration("500ms"), milliseconds(500));
  EXPECT_EQ(ParseDuration("1.5m"), seconds(90));
  EXPECT_EQ(ParseDuration("2h"), std::chrono::hours(2));
  EXPECT_EQ(ParseDuration("0s", true), seconds(0));
  for (const char* text : {"", "10", "s", "-1s", "0s", "1d", "1 s", "1.2.3s", "1e9s", "99999999h", "nans"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace beak::cli
