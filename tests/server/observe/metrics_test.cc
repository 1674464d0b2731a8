#include "server/observe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using std::chrono::milliseconds;

const MonotonicTime kStart(std::chrono::hours(1));

// A request that waited 1 ms and was computed in 3 ms.
RequestObservation Answered() {
  RequestObservation request;
  request.rows = 2;
  request.received = kStart;
  request.left_queue = kStart + milliseconds(1);
  request.run_began = kStart + milliseconds(2);
  request.answered = kStart + milliseconds(4);
  request.compute = {milliseconds(1), milliseconds(1), milliseconds(1)};
  return request;
}

TEST(MetricsTest, CountsRequestsByOutcome) {
  Metrics metrics("1.2.3");
  const auto observer = metrics.ObserveVersion("mnist", 7);
  observer->RecordRequest(Answered());
  RequestObservation refused = Answered();
  refused.outcome = absl::StatusCode::kUnavailable;
  refused.left_queue = refused.run_began = std::nullopt;
  observer->RecordRequest(refused);

  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr(R"(beak_requests_total{model="mnist",outcome="ok",version="7"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(beak_requests_total{model="mnist",outcome="unavailable",version="7"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(beak_request_duration_seconds_count{model="mnist",version="7"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(beak_queue_duration_seconds_count{model="mnist",version="7"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(beak_build_info{version="1.2.3"} 1)"));
}

TEST(MetricsTest, LatencyBucketsBeginAtFiftyMicroseconds) {
  Metrics metrics("1");
  const auto observer = metrics.ObserveVersion("m", 1);
  EXPECT_THAT(metrics.Text(), HasSubstr(R"(beak_request_duration_seconds_bucket{model="m",version="1",le="5e-05"} 0)"));
}

TEST(MetricsTest, StatisticsAddUpWhatTheMetricsCount) {
  Metrics metrics("1");
  const auto observer = metrics.ObserveVersion("m", 1);
  observer->RecordExecution(2, {milliseconds(1), milliseconds(2), milliseconds(3)});
  observer->RecordRequest(Answered());
  RequestObservation failed = Answered();
  failed.outcome = absl::StatusCode::kInvalidArgument;
  observer->RecordRequest(failed);

  const VersionStatistics statistics = observer->statistics();
  EXPECT_EQ(statistics.inference_count, 2u) << "rows answered with success";
  EXPECT_EQ(statistics.execution_count, 1u);
  EXPECT_GT(statistics.last_inference_ms, 0u);
  EXPECT_EQ(statistics.success.count, 1u);
  EXPECT_EQ(statistics.success.ns, 4'000'000u);
  EXPECT_EQ(statistics.fail.count, 1u);
  EXPECT_EQ(statistics.queue.ns, 1'000'000u);
  EXPECT_EQ(statistics.compute_infer.ns, 1'000'000u);
  ASSERT_EQ(statistics.batches.count(2), 1u);
  EXPECT_EQ(statistics.batches.at(2).compute_output.ns, 3'000'000u);
}

TEST(MetricsTest, AnAnswerFromTheCacheIsNoExecution) {
  Metrics metrics("1");
  const auto observer = metrics.ObserveVersion("m", 1);
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("beak_cache_requests_total{"))) << "there is no cache";
  RequestObservation hit = Answered();
  hit.left_queue = hit.run_began = std::nullopt;
  observer->RecordCacheHit(std::chrono::microseconds(3));
  observer->RecordRequest(hit);
  observer->RecordCacheMiss(std::chrono::microseconds(5));
  observer->RecordRequest(Answered());

  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr(R"(beak_cache_requests_total{model="m",result="hit",version="1"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(beak_cache_requests_total{model="m",result="miss",version="1"} 1)"));
  const VersionStatistics statistics = observer->statistics();
  EXPECT_EQ(statistics.cache_hit.count, 1u);
  EXPECT_EQ(statistics.cache_hit.ns, 3'000u);
  EXPECT_EQ(statistics.cache_miss.ns, 5'000u);
  EXPECT_EQ(statistics.success.count, 2u);
  EXPECT_EQ(statistics.inference_count, 4u);
  EXPECT_EQ(statistics.queue.count, 1u);
  EXPECT_EQ(statistics.compute_infer.count, 1u);
}

TEST(MetricsTest, TheMemoryLimitIsShownOnceItIsKnown) {
  Metrics metrics("1");
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("beak_memory_limit_bytes 0")));
  metrics.SetMemoryLimit(4096);
  EXPECT_THAT(metrics.Text(), HasSubstr("beak_memory_limit_bytes 4096\n"));
}

TEST(MetricsTest, TheCacheShowsWhatItHolds) {
  Metrics metrics("1");
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("beak_cache_bytes 0"))) << "there is no cache";
  metrics.SetCache(3, 4096, 10);
  metrics.SetCache(2, 2048, 12);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("beak_cache_entries 2\n"));
  EXPECT_THAT(text, HasSubstr("beak_cache_bytes 2048\n"));
  EXPECT_THAT(text, HasSubstr("beak_cache_evictions_total 12\n"));
}

TEST(MetricsTest, TheQueueShowsWhatWaits) {
  Metrics metrics("1");
  EXPECT_THAT(metrics.Text(), HasSubstr("beak_queue_rows 0\n")) << "there from the start";
  metrics.SetQueue(7, 4096);
  metrics.SetQueue(5, 2048);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("beak_queue_rows 5\n"));
  EXPECT_THAT(text, HasSubstr("beak_queue_bytes 2048\n"));
}

TEST(MetricsTest, HeadroomIsARatioAndWhatIsOfferedOnlyRises) {
  Metrics metrics("1");
  metrics.SetHeadroom(2.5, 10);
  metrics.SetHeadroom(0.5, 12);
  metrics.SetHeadroom(0.5, 11);  // of a scrape that was overtaken by another
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("beak_headroom_ratio 0.5\n"));
  EXPECT_THAT(text, HasSubstr("beak_offered_compute_seconds_total 12\n"));
}

TEST(MetricsTest, CostsAreShownByRowsAndThreadsAndEndWithTheVersion) {
  Metrics metrics("1");
  auto observer = metrics.ObserveVersion("m", 1);
  observer->SetCosts(CostCurve({{1, 1, milliseconds(2), milliseconds(3)}, {8, 1, milliseconds(10), milliseconds(12)}}));
  observer->SetCosts(CostCurve({{1, 1, milliseconds(4), milliseconds(5)},
                                {8, 1, milliseconds(10), milliseconds(12)},
                                {1, 2, milliseconds(1), milliseconds(2)}}));
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr(R"(beak_batch_cost_seconds{model="m",rows="1",threads="1",version="1"} 0.004)"));
  EXPECT_THAT(text, HasSubstr(R"(beak_batch_cost_seconds{model="m",rows="8",threads="1",version="1"} 0.01)"));
  EXPECT_THAT(text, HasSubstr(R"(beak_batch_cost_seconds{model="m",rows="1",threads="2",version="1"} 0.001)"));
  observer.reset();
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("beak_batch_cost_seconds{")));
}

TEST(MetricsTest, RefusalsAreCountedByReasonAndEndWithTheVersion) {
  Metrics metrics("1");
  auto observer = metrics.ObserveVersion("m", 1);
  observer->RecordRequest(Answered());
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("beak_refusals_total{")));
  RequestObservation refused = Answered();
  refused.outcome = absl::StatusCode::kUnavailable;
  for (const char* reason : {"queue_full", "hopeless", "queue_full"}) {
    refused.refusal = reason;
    observer->RecordRequest(refused);
  }
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr(R"(beak_refusals_total{model="m",reason="queue_full",version="1"} 2)"));
  EXPECT_THAT(text, HasSubstr(R"(beak_refusals_total{model="m",reason="hopeless",version="1"} 1)"));
  observer.reset();
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("beak_refusals_total{")));
}

TEST(MetricsTest, ScrapesTellOfTheProcess) {
  const std::string text = Metrics("1").Text();
  EXPECT_THAT(text, HasSubstr(R"(beak_memory_bytes{kind="resident"} )"));
  EXPECT_THAT(text, Not(HasSubstr("beak_process_cpu_seconds_total 0\n")));
  EXPECT_THAT(text, HasSubstr("beak_cpu_throttled_periods_total "));
}

struct MissCase {
  const char* name;
  absl::StatusCode outcome;
  bool left_queue, run_began;
  milliseconds deadline;
  const char* place;  // "" for none
};

TEST(MetricsTest, DeadlineMissesAreCountedByPlace) {
  const std::vector<MissCase> cases = {
      {"in time", absl::StatusCode::kOk, true, true, milliseconds(5), ""},
      {"answered late", absl::StatusCode::kOk, true, true, milliseconds(3), "answer"},
      {"late on arrival", absl::StatusCode::kDeadlineExceeded, false, false, milliseconds(0), "arrival"},
      {"late in the queue", absl::StatusCode::kDeadlineExceeded, true, false, milliseconds(1), "queue"},
      {"late while running", absl::StatusCode::kDeadlineExceeded, true, true, milliseconds(3), "run"},
      {"cancelled", absl::StatusCode::kCancelled, true, false, milliseconds(3), ""},
  };
  for (const MissCase& c : cases) {
    Metrics metrics("1");
    const auto observer = metrics.ObserveVersion("m", 1);
    RequestObservation request = Answered();
    request.outcome = c.outcome;
    if (!c.left_queue) request.left_queue = std::nullopt;
    if (!c.run_began) request.run_began = std::nullopt;
    request.deadline = kStart + c.deadline;
    observer->RecordRequest(request);
    const std::string text = metrics.Text();
    if (*c.place == '\0') {
      EXPECT_THAT(text, Not(HasSubstr("beak_deadline_misses_total{"))) << c.name;
    } else {
      EXPECT_THAT(text, HasSubstr(std::string("place=\"") + c.place + "\"")) << c.name;
    }
    EXPECT_THAT(text, HasSubstr("beak_executed_late_total 0")) << c.name;
  }
}

TEST(MetricsTest, ARunThatBeginsAtItsDeadlineIsLate) {
  Metrics metrics("1");
  RequestObservation request = Answered();
  request.deadline = *request.run_began;
  metrics.ObserveVersion("m", 1)->RecordRequest(request);
  EXPECT_THAT(metrics.Text(), HasSubstr("beak_executed_late_total 1"));
}

TEST(MetricsTest, UnroutedRequestsHaveNoModel) {
  Metrics metrics("1");
  metrics.RecordUnrouted(absl::StatusCode::kNotFound);
  metrics.RecordUnrouted(absl::StatusCode::kNotFound);
  EXPECT_THAT(metrics.Text(), HasSubstr(R"(beak_requests_total{model="",outcome="not_found",version=""} 2)"));
}

TEST(MetricsTest, SeriesEndWithTheVersion) {
  Metrics metrics("1");
  auto observer = metrics.ObserveVersion("m", 1);
  RequestObservation late = Answered();
  late.deadline = kStart;
  observer->RecordRequest(late);
  observer->RecordCacheMiss({});
  observer->SetWeightBytes(100);
  metrics.SetVersionState("m", 1, "ready");
  EXPECT_THAT(metrics.Text(), HasSubstr("model=\"m\""));
  observer.reset();
  metrics.SetVersionState("m", 1, "");
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("model=\"m\"")));
}

TEST(MetricsTest, TwoObserversOfOneVersionAreOne) {
  Metrics metrics("1");
  auto first = metrics.ObserveVersion("m", 1);
  auto second = metrics.ObserveVersion("m", 1);
  EXPECT_EQ(first, second);
  first.reset();
  second->RecordRequest(Answered());
  EXPECT_THAT(metrics.Text(), HasSubstr(R"(beak_requests_total{model="m",outcome="ok",version="1"} 1)"));
}

TEST(MetricsTest, AVersionIsInOneState) {
  Metrics metrics("1");
  metrics.SetVersionState("m", 1, "loading");
  metrics.SetVersionState("m", 1, "ready");
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr(R"(beak_model_version_state{model="m",state="ready",version="1"} 1)"));
  EXPECT_THAT(text, Not(HasSubstr("loading")));
}

TEST(MetricsTest, GaugesAreRefreshedBeforeAScrape) {
  Metrics metrics("1");
  const auto observer = metrics.ObserveVersion("m", 1);
  int programs = 3;
  metrics.OnScrape([&] { observer->SetPrograms(programs++); });
  EXPECT_THAT(metrics.Text(), HasSubstr(R"(beak_model_programs{model="m",version="1"} 3)"));
  EXPECT_THAT(metrics.Text(), HasSubstr(R"(beak_model_programs{model="m",version="1"} 4)"));
}

TEST(MetricsTest, PromtoolFindsNothingToComplainOf) {
  if (std::system("promtool --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "promtool is not installed";
  Metrics metrics("1");
  const auto observer = metrics.ObserveVersion("m", 1);
  RequestObservation late = Answered();
  late.deadline = kStart;
  observer->RecordRequest(late);
  observer->RecordExecution(2, {});
  metrics.RecordUnrouted(absl::StatusCode::kNotFound);
  metrics.SetVersionState("m", 1, "ready");
  metrics.SetLanes(2);
  metrics.SetCache(1, 2, 3);
  observer->RecordCacheHit({});

  const testing::TempDir dir;
  const std::string path = dir.Write("metrics.txt", metrics.Text());
  EXPECT_EQ(std::system(("promtool check metrics < " + path).c_str()), 0) << metrics.Text();
}

TEST(MetricsTest, TrainingIsShownWhileSomebodyObservesIt) {
  Metrics metrics("1");
  std::shared_ptr<TrainingObserver> first = metrics.ObserveTraining("mnist");
  std::shared_ptr<TrainingObserver> second = metrics.ObserveTraining("mnist");
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("beak_train_loss{"))) << "no value before the first";
  first->SetLoss(0.5);
  first->SetAccuracy(0.75);
  first->SetLearningRate(0.001);
  first->SetSamplesPerSecond(1000);
  first->SetStepSeconds(0.25);
  for (const char* series :
       {"loss{model=\"mnist\"} 0.5", "accuracy{model=\"mnist\"} 0.75", "learning_rate{model=\"mnist\"} 0.001",
        "samples_per_second{model=\"mnist\"} 1000", "step_seconds{model=\"mnist\"} 0.25"}) {
    EXPECT_THAT(metrics.Text(), HasSubstr(std::string("beak_train_") + series));
  }
  first.reset();
  EXPECT_THAT(metrics.Text(), HasSubstr("beak_train_loss{model=\"mnist\"} 0.5")) << "another job of the model runs";
  second->SetLoss(0.25);
  EXPECT_THAT(metrics.Text(), HasSubstr("beak_train_loss{model=\"mnist\"} 0.25"));
  second.reset();
  EXPECT_THAT(metrics.Text(), Not(HasSubstr("mnist")));
}

TEST(MetricsTest, TrainJobsAreCountedByState) {
  Metrics metrics("1");
  metrics.SetTrainJobs({{"queued", 2}, {"running", 1}});
  metrics.SetTrainJobs({{"queued", 0}});
  EXPECT_THAT(metrics.Text(), HasSubstr(R"(beak_train_jobs{state="queued"} 0)"));
  EXPECT_THAT(metrics.Text(), HasSubstr(R"(beak_train_jobs{state="running"} 1)"));
  metrics.SetTrainPausedSeconds(1.5);
  metrics.SetTrainPausedSeconds(1);
  EXPECT_THAT(metrics.Text(), HasSubstr("beak_train_paused_seconds_total 1.5")) << "it never falls";
}

}  // namespace
}  // namespace beak
