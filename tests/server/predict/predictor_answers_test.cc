// What the Predictor does around the work itself: answers that are known, answers in order, traces.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "server/observe/trace_events.h"
#include "server/predict/predictor.h"
#include "tests/server/predict/predictor_fixture.h"
#include "tests/server/support/networks.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::InlineScheduler;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::StatusIs;
using testing::Values;

using std::chrono::milliseconds;

class AnswersTest : public testing::PredictorFixture {
 protected:
  AnswersTest() {
    dir_.Write("plain/1/model.onnx", testing::ScaleNetwork(2));
    dir_.Write("cached/1/model.onnx", testing::ScaleNetwork(2));
    dir_.Write("cached/config.pbtxt", "response_cache { enable: true }");
    dir_.Write("ordered/1/model.onnx", testing::ScaleNetwork(2));
    dir_.Write("ordered/config.pbtxt", "dynamic_batching { preserve_ordering: true }");
  }

  PredictRequest Request(const std::string& model, float value = 1) {
    PredictRequest request;
    request.model = model;
    request.inputs = {Input<float>("x", DType::kFloat32, {1, 2}, {value, value + 1})};
    request.received = clock_.Now();
    return request;
  }
  void AddEnsemble(const std::string& name, const std::string& more) {
    dir_.Write(name + "/config.pbtxt", more + R"( max_batch_size: 8
        input { name: 'x' data_type: TYPE_FP32 dims: [2] } output { name: 'y' data_type: TYPE_FP32 dims: [2] })");
    std::filesystem::create_directories(dir_ / (name + "/1"));
  }
};

// ---------------------------------------------------------------- the response cache

class CacheTest : public AnswersTest {
 protected:
  // How often the network has run.
  uint64_t Runs(const std::string& model = "cached") { return Statistics(model).execution_count; }
};

TEST_F(CacheTest, TheSameRequestIsComputedOnce) {
  Load();
  ASSERT_OK_AND_ASSIGN(const PredictResponse first, Predict(Request("cached")));
  ASSERT_OK_AND_ASSIGN(const PredictResponse second, Predict(Request("cached")));
  EXPECT_THAT(Values<float>(first.outputs[0]), ElementsAre(2, 4));
  EXPECT_EQ(second.model, "cached");
  EXPECT_EQ(second.version, 1);
  EXPECT_THAT(second.outputs[0].shape, ElementsAre(1, 2));
  EXPECT_EQ(second.outputs[0].data, first.outputs[0].data);
  EXPECT_EQ(Runs(), 1u);
}

TEST_F(CacheTest, WhatDiffersInAnythingIsComputed) {
  Load();
  EXPECT_OK(Predict(Request("cached", 1)));
  ASSERT_OK_AND_ASSIGN(const PredictResponse other, Predict(Request("cached", 5)));
  EXPECT_THAT(Values<float>(other.outputs[0]), ElementsAre(10, 12));
  PredictRequest request = Request("cached", 1);
  request.outputs = {{"y", 1}};
  ASSERT_OK_AND_ASSIGN(const PredictResponse classes, Predict(request));
  EXPECT_THAT(classes.outputs[0].strings, ElementsAre("4:1"));
  EXPECT_EQ(Runs(), 3u);
}

TEST_F(CacheTest, ModelsThatDoNotAskForItHaveNone) {
  Load();
  EXPECT_OK(Predict(Request("plain")));
  EXPECT_OK(Predict(Request("plain")));
  EXPECT_EQ(Runs("plain"), 2u);
  predictor_->RefreshMetrics();
  EXPECT_THAT(metrics_.Text(),
              AllOf(HasSubstr("beak_cache_entries 0\n"), Not(HasSubstr("beak_cache_requests_total{"))));
}

TEST_F(CacheTest, ErrorsAreNotRemembered) {
  Load();
  scheduler_.hold = true;
  for (int i = 0; i < 2; ++i) {
    StartRequest(Request("cached"));
    ASSERT_EQ(scheduler_.held.size(), 1u) << "it is tried again";
    scheduler_.TakeHeld()[0]->Refuse(absl::UnavailableError("full"), Refusal::kQueueFull);
    EXPECT_THAT(answers_.back().response, StatusIs(absl::StatusCode::kUnavailable));
  }
  StartRequest(Request("cached"));
  InlineScheduler::RunBatch(scheduler_.TakeHeld());
  EXPECT_THAT(Given<float>(2), ElementsAre(2, 4));
  StartRequest(Request("cached"));
  EXPECT_THAT(scheduler_.held, IsEmpty());
  EXPECT_THAT(Given<float>(3), ElementsAre(2, 4));
  EXPECT_EQ(predictions_[3], nullptr) << "there is nothing to cancel";
}

TEST_F(CacheTest, ALateRequestIsLateThoughItsAnswerIsKnown) {
  Load();
  EXPECT_OK(Predict(Request("cached")));
  PredictRequest request = Request("cached");
  request.deadline = clock_.Now();
  EXPECT_THAT(Predict(request), StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(CacheTest, HitsAreRequestsButNoExecutions) {
  Load();
  for (int i = 0; i < 3; ++i) EXPECT_OK(Predict(Request("cached")));
  const VersionStatistics statistics = Statistics("cached");
  EXPECT_EQ(statistics.success.count, 3u);
  EXPECT_EQ(statistics.inference_count, 3u);
  EXPECT_EQ(statistics.execution_count, 1u);
  EXPECT_EQ(statistics.queue.count, 1u);
  EXPECT_EQ(statistics.compute_infer.count, 1u);
  EXPECT_EQ(statistics.cache_hit.count, 2u);
  EXPECT_EQ(statistics.cache_miss.count, 1u);
  predictor_->RefreshMetrics();
  EXPECT_THAT(metrics_.Text(),
              AllOf(HasSubstr(R"(beak_cache_requests_total{model="cached",result="hit",version="1"} 2)"),
                    HasSubstr(R"(beak_cache_requests_total{model="cached",result="miss",version="1"} 1)"),
                    HasSubstr(R"(beak_requests_total{model="cached",outcome="ok",version="1"} 3)"),
                    HasSubstr("beak_cache_entries 1\n"), Not(HasSubstr("beak_cache_bytes 0\n"))));
}

TEST_F(CacheTest, AnswersGoWithTheVersion) {
  dir_.Write("cached/2/model.onnx", testing::ScaleNetwork(3));
  dir_.Write("cached/config.pbtxt", "response_cache { enable: true } version_policy { all {} }");
  Load();
  PredictRequest old = Request("cached");
  old.version = "1";
  EXPECT_OK(Predict(old));
  ASSERT_OK_AND_ASSIGN(const PredictResponse newest, Predict(Request("cached")));
  EXPECT_THAT(Values<float>(newest.outputs[0]), ElementsAre(3, 6)) << "not what version 1 answered";
  predictor_->RefreshMetrics();
  EXPECT_THAT(metrics_.Text(), HasSubstr("beak_cache_entries 2\n"));
  std::filesystem::remove_all(dir_ / "cached/2");
  models_->Look();
  models_->Step();
  predictor_->RefreshMetrics();
  EXPECT_THAT(metrics_.Text(), AllOf(HasSubstr("beak_cache_entries 1\n"), HasSubstr("beak_cache_evictions_total 0\n")));
  ASSERT_OK_AND_ASSIGN(const PredictResponse left, Predict(Request("cached")));
  EXPECT_THAT(Values<float>(left.outputs[0]), ElementsAre(2, 4));
}

TEST_F(CacheTest, StepsOfEnsemblesAreAnsweredFromIt) {
  AddEnsemble("outer", R"(ensemble_scheduling {
      step { model_name: 'cached' input_map { key: 'x' value: 'x' } output_map { key: 'y' value: 'h' } }
      step { model_name: 'plain' input_map { key: 'x' value: 'h' } output_map { key: 'y' value: 'y' } } })");
  AddEnsemble("frozen", R"(response_cache { enable: true } ensemble_scheduling {
      step { model_name: 'plain' input_map { key: 'x' value: 'x' } output_map { key: 'y' value: 'y' } } })");
  Load();
  PredictRequest as_the_step_asks = Request("cached");
  as_the_step_asks.outputs = {{"y", 0}};
  EXPECT_OK(Predict(as_the_step_asks));
  ASSERT_OK_AND_ASSIGN(PredictResponse response, Predict(Request("outer")));
  EXPECT_THAT(Values<float>(response.outputs[0]), ElementsAre(4, 8));
  EXPECT_EQ(Runs("cached"), 1u) << "a step that was known";
  EXPECT_EQ(Statistics("cached").cache_hit.count, 1u);
  EXPECT_EQ(Runs("plain"), 1u);
  EXPECT_FALSE(Predict(Request("frozen")).ok()) << "it would outlive its members: it is not loaded";
}

// ---------------------------------------------------------------- order

TEST_F(AnswersTest, AnswersComeInTheOrderOfRequestsWhereThatIsAskedFor) {
  Load();
  scheduler_.hold = true;
  for (const char* model : {"ordered", "plain"}) {
    answers_.clear();
    order_.clear();
    for (int i = 0; i < 3; ++i) StartRequest(Request(model, static_cast<float>(i)));
    InlineScheduler::Tasks tasks = scheduler_.TakeHeld();
    std::reverse(tasks.begin(), tasks.end());
    for (const auto& task : tasks) InlineScheduler::RunBatch({task});
    if (std::string(model) == "ordered") {
      EXPECT_THAT(order_, ElementsAre(0, 1, 2));
    } else {
      EXPECT_THAT(order_, ElementsAre(2, 1, 0));
    }
    for (size_t i = 0; i < 3; ++i) {
      const float value = static_cast<float>(i);
      EXPECT_THAT(Given<float>(i), ElementsAre(2 * value, 2 * value + 2)) << model;
    }
  }
}

TEST_F(AnswersTest, WhatFailsKeepsItsPlaceToo) {
  Load();
  scheduler_.hold = true;
  for (int i = 0; i < 3; ++i) StartRequest(Request("ordered"));
  InlineScheduler::Tasks tasks = scheduler_.TakeHeld();
  tasks[2]->Refuse(absl::UnavailableError("full"), Refusal::kQueueFull);
  EXPECT_THAT(order_, IsEmpty());
  tasks[0]->Refuse(absl::CancelledError("gone"), Refusal::kCancelled);
  EXPECT_THAT(order_, ElementsAre(0));
  InlineScheduler::RunBatch({tasks[1]});
  EXPECT_THAT(order_, ElementsAre(0, 1, 2));
  EXPECT_THAT(answers_[2].response, StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(AnswersTest, AKnownAnswerWaitsForThoseBeforeIt) {
  dir_.Write("cached/config.pbtxt", "response_cache { enable: true } dynamic_batching { preserve_ordering: true }");
  Load();
  EXPECT_OK(Predict(Request("cached", 1)));
  scheduler_.hold = true;
  StartRequest(Request("cached", 5));
  StartRequest(Request("cached", 1));
  EXPECT_THAT(order_, IsEmpty());
  InlineScheduler::RunBatch(scheduler_.TakeHeld());
  EXPECT_THAT(order_, ElementsAre(0, 1));
  EXPECT_THAT(Given<float>(1), ElementsAre(2, 4));
}

TEST_F(AnswersTest, ModelsKeepTheirOrdersApart) {
  dir_.Write("ordered2/1/model.onnx", testing::ScaleNetwork(2));
  dir_.Write("ordered2/config.pbtxt", "dynamic_batching { preserve_ordering: true }");
  Load();
  scheduler_.hold = true;
  StartRequest(Request("ordered"));
  StartRequest(Request("ordered2"));
  const InlineScheduler::Tasks tasks = scheduler_.TakeHeld();
  InlineScheduler::RunBatch({tasks[1]});
  EXPECT_THAT(order_, ElementsAre(1));
  predictor_->RefreshMetrics();  // forgets the order of the second, not of the first
  StartRequest(Request("ordered"));
  InlineScheduler::RunBatch(scheduler_.TakeHeld());
  EXPECT_THAT(order_, ElementsAre(1));
  InlineScheduler::RunBatch({tasks[0]});
  EXPECT_THAT(order_, ElementsAre(1, 0, 2));
}

// ---------------------------------------------------------------- traces

class TraceRequestsTest : public AnswersTest {
 protected:
  void Trace(double rate) {
    auto writer = TraceWriter::Create({path_}, clock_);
    ASSERT_OK(writer);
    tracer_ = std::make_unique<Tracer>(*std::move(writer), rate);
    Load();
  }
  // Ends the trace and reads it back: the events of a phase that have this name.
  std::vector<nlohmann::json> Events(const std::string& phase, const std::string& name) {
    predictor_.reset();
    tracer_ = std::make_unique<Tracer>();
    std::ifstream file(path_);
    std::vector<nlohmann::json> events;
    for (const nlohmann::json& event : nlohmann::json::parse(file)) {
      if (event["ph"] == phase && event["name"] == name) events.push_back(event);
    }
    return events;
  }

  const std::string path_ = dir_ / ".trace.json";  // no model
};

TEST_F(TraceRequestsTest, ARequestLeadsToTheExecutionThatItWasIn) {
  Trace(1);
  scheduler_.hold = true;
  PredictRequest request = Request("plain");
  request.id = "mine";
  request.trace = ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
  request.deadline = clock_.Now() + milliseconds(100);
  StartRequest(request);
  StartRequest(Request("plain"));
  clock_.Advance(milliseconds(7));
  InlineScheduler::RunBatch(scheduler_.TakeHeld());
  EXPECT_OK(answers_[0].response);

  const std::vector<nlohmann::json> requests = Events("b", "request");
  ASSERT_EQ(requests.size(), 2u);
  const nlohmann::json& args = requests[0]["args"];
  EXPECT_EQ(args["model"], "plain");
  EXPECT_EQ(args["outcome"], "ok");
  EXPECT_EQ(args["rows"], 1);
  EXPECT_EQ(args["id"], "mine");
  EXPECT_EQ(args["trace_id"], "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(args["slack_at_run_us"], 93'000.0);
  EXPECT_NE(requests[0]["id"], requests[1]["id"]);

  const std::vector<nlohmann::json> executions = Events("X", "plain");
  ASSERT_EQ(executions.size(), 1u);
  EXPECT_EQ(executions[0]["tid"], LaneTrack(0));
  EXPECT_EQ(executions[0]["ts"], 7000.0);
  EXPECT_EQ(executions[0]["args"]["rows"], 2);
  EXPECT_EQ(executions[0]["args"]["requests"], 2);
  EXPECT_NE(executions[0]["args"]["batch"], 0);
  for (const nlohmann::json& one : requests) EXPECT_EQ(one["args"]["batch"], executions[0]["args"]["batch"]);
}

TEST_F(TraceRequestsTest, WhatIsRefusedIsInNoExecution) {
  Trace(1);
  scheduler_.hold = true;
  StartRequest(Request("plain"));
  scheduler_.TakeHeld()[0]->Refuse(absl::UnavailableError("full"), Refusal::kQueueFull);
  const std::vector<nlohmann::json> requests = Events("b", "request");
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0]["args"]["outcome"], "unavailable");
  EXPECT_FALSE(requests[0]["args"].contains("batch"));
  EXPECT_THAT(Events("b", "queue"), IsEmpty()) << "it was turned away at the door";
  EXPECT_THAT(Events("X", "plain"), IsEmpty());
}

TEST_F(TraceRequestsTest, OnlyTheSampledAreThere) {
  Trace(0);
  EXPECT_OK(Predict(Request("plain")));
  PredictRequest request = Request("plain");
  request.trace = ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_OK(Predict(request));
  EXPECT_EQ(Events("b", "request").size(), 1u);
  EXPECT_EQ(Events("X", "plain").size(), 1u);
}

TEST_F(TraceRequestsTest, StepsOfAnEnsembleAreTracedUnderItsRequest) {
  AddEnsemble("twice", R"(ensemble_scheduling {
      step { model_name: 'plain' input_map { key: 'x' value: 'x' } output_map { key: 'y' value: 'h' } }
      step { model_name: 'plain' input_map { key: 'x' value: 'h' } output_map { key: 'y' value: 'y' } } })");
  Trace(1);
  PredictRequest request = Request("twice");
  request.id = "mine";
  request.trace = ParseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
  EXPECT_OK(Predict(request));
  const std::vector<nlohmann::json> requests = Events("b", "request");
  ASSERT_EQ(requests.size(), 2u);
  for (const nlohmann::json& one : requests) {
    EXPECT_EQ(one["args"]["id"], "mine");
    EXPECT_EQ(one["args"]["trace_id"], "0af7651916cd43dd8448eb211c80319c");
  }
}

}  // namespace
}  // namespace beak
