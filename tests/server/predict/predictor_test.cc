#include "server/predict/predictor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <future>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "tests/server/predict/predictor_fixture.h"
#include "tests/server/support/networks.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::InlineScheduler;
using ::testing::Not;
using testing::StatusIs;
using testing::Values;

using std::chrono::milliseconds;

constexpr int kUint8 = 2, kFloat16 = 10;  // ONNX's numbers

class PredictorTest : public testing::PredictorFixture {
 protected:
  PredictorTest() {
    dir_.Write("scale/1/model.onnx", testing::ScaleNetwork(2));
    dir_.Write("scale/2/model.onnx", testing::ScaleNetwork(3));
    dir_.Write("scale/names.txt", "left\nright\n");
    dir_.Write("scale/config.pbtxt", "version_policy { all {} } output { name: 'y' label_filename: 'names.txt' }");
    dir_.Write("simple/1/model.onnx", testing::SimpleNetwork());
    dir_.Write("bytes/1/model.onnx", testing::IdentityNetwork(kUint8, {-1, 3}));
    dir_.Write("half/1/model.onnx", testing::IdentityNetwork(kFloat16, {1, 3}));
    dir_.Write("pick/1/model.onnx", testing::PickNetwork());
    dir_.Write("free/1/model.onnx", testing::IdentityNetwork(kUint8, {-1, -1}));
    dir_.Write("reshaped/1/model.onnx", testing::ScaleNetwork(2, 6));
    dir_.Write("reshaped/config.pbtxt",
               "input { name: 'x' dims: [2, 3] reshape { shape: [6] } } "
               "output { name: 'y' dims: [3, 2] reshape { shape: [6] } }");
    Load();
  }

  PredictRequest ScaleRequest() {
    PredictRequest request;
    request.model = "scale";
    request.inputs = {Input<float>("x", DType::kFloat32, {2, 2}, {1, 2, 3, 4})};
    request.received = clock_.Now();
    return request;
  }
};

TEST_F(PredictorTest, RunsTheNewestVersionAndReturnsItsRows) {
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(ScaleRequest()));
  EXPECT_EQ(response.model, "scale");
  EXPECT_EQ(response.version, 2);
  ASSERT_EQ(response.outputs.size(), 1u);
  EXPECT_EQ(response.outputs[0].name, "y");
  EXPECT_EQ(response.outputs[0].dtype, DType::kFloat32);
  EXPECT_THAT(response.outputs[0].shape, ElementsAre(2, 2));
  EXPECT_THAT(Values<float>(response.outputs[0]), ElementsAre(3, 6, 9, 12));
}

TEST_F(PredictorTest, RunsTheVersionAskedFor) {
  PredictRequest request = ScaleRequest();
  request.version = "1";
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(request));
  EXPECT_EQ(response.version, 1);
  EXPECT_THAT(Values<float>(response.outputs[0]), ElementsAre(2, 4, 6, 8));
}

TEST_F(PredictorTest, SeveralInputsAndOutputsInAnyOrder) {
  PredictRequest request;
  request.model = "simple";
  request.inputs = {Input<int32_t>("INPUT1", DType::kInt32, {1, 16}, std::vector<int32_t>(16, 1)),
                    Input<int32_t>("INPUT0", DType::kInt32, {1, 16}, std::vector<int32_t>(16, 5))};
  request.outputs = {{"OUTPUT1", 0}, {"OUTPUT0", 0}};
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(request));
  ASSERT_EQ(response.outputs.size(), 2u);
  EXPECT_EQ(Values<int32_t>(response.outputs[0]), std::vector<int32_t>(16, 4));
  EXPECT_EQ(Values<int32_t>(response.outputs[1]), std::vector<int32_t>(16, 6));
}

TEST_F(PredictorTest, BytesAndHalfFloatsPassUnchanged) {
  PredictRequest request;
  request.model = "bytes";
  request.inputs = {Input<uint8_t>("x", DType::kUint8, {1, 3}, {0, 128, 255})};
  ASSERT_OK_AND_ASSIGN(PredictResponse response, Predict(request));
  EXPECT_THAT(Values<uint8_t>(response.outputs[0]), ElementsAre(0, 128, 255));

  request.model = "half";
  request.inputs = {Input<uint16_t>("x", DType::kFloat16, {1, 3}, {0x3c00, 0x0001, 0xfbff})};
  ASSERT_OK_AND_ASSIGN(response, Predict(request));
  EXPECT_EQ(response.outputs[0].dtype, DType::kFloat16);
  EXPECT_THAT(Values<uint16_t>(response.outputs[0]), ElementsAre(0x3c00, 0x0001, 0xfbff));
}

TEST_F(PredictorTest, NanAndInfinityAreDataAndStayInTheirRow) {
  PredictRequest request = ScaleRequest();
  request.inputs = {Input<float>("x", DType::kFloat32, {3, 2}, {1, 2, std::nanf(""), INFINITY, 3, 4})};
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(request));
  const std::vector<float> values = Values<float>(response.outputs[0]);
  EXPECT_TRUE(std::isnan(values[2]));
  EXPECT_TRUE(std::isinf(values[3]));
  EXPECT_EQ(values[1], 6);
  EXPECT_EQ(values[4], 9);
}

TEST_F(PredictorTest, ShapesAreThoseOfTheConfiguration) {
  PredictRequest request;
  request.model = "reshaped";
  request.inputs = {Input<float>("x", DType::kFloat32, {1, 2, 3}, {1, 2, 3, 4, 5, 6})};
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(request));
  EXPECT_THAT(response.outputs[0].shape, ElementsAre(1, 3, 2));
  EXPECT_THAT(Values<float>(response.outputs[0]), ElementsAre(2, 4, 6, 8, 10, 12));
}

TEST_F(PredictorTest, ClassesInsteadOfATensor) {
  PredictRequest request = ScaleRequest();
  request.outputs = {{"y", 5}};
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Predict(request));
  EXPECT_EQ(response.outputs[0].dtype, std::nullopt);
  EXPECT_THAT(response.outputs[0].shape, ElementsAre(2, 2)) << "no more classes than there are";
  EXPECT_THAT(response.outputs[0].strings, ElementsAre("6:1:right", "3:0:left", "12:1:right", "9:0:left"));

  request = PredictRequest();
  request.model = "half";
  request.inputs = {Input<uint16_t>("x", DType::kFloat16, {1, 3}, {0x3c00, 0x4000, 0})};
  request.outputs = {{"y", 2}};
  ASSERT_OK_AND_ASSIGN(const PredictResponse unbatched, Predict(request));
  EXPECT_THAT(unbatched.outputs[0].shape, ElementsAre(2)) << "no batch dimension";
  EXPECT_THAT(unbatched.outputs[0].strings, ElementsAre("2:1", "1:0"));
}

TEST_F(PredictorTest, UnknownModelsAreNotFoundAndMakeNoSeries) {
  PredictRequest request = ScaleRequest();
  request.model = "made up by a client";
  EXPECT_THAT(Predict(request),
              StatusIs(absl::StatusCode::kNotFound, ::testing::StartsWith("Request for unknown model")));
  EXPECT_THAT(metrics_.Text(), AllOf(Not(HasSubstr("made up")),
                                     HasSubstr(R"(beak_requests_total{model="",outcome="not_found",version=""} 1)")));
}

TEST_F(PredictorTest, BadRequestsSayWhereAndAreCounted) {
  PredictRequest request = ScaleRequest();
  request.inputs[0].name = "z";
  EXPECT_THAT(Predict(request),
              StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("model 'scale'"), HasSubstr("input 'z'"))));
  request = ScaleRequest();
  request.decoded = absl::InvalidArgumentError("input 'x': no bytes");
  EXPECT_THAT(Predict(request), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("no bytes")));
  EXPECT_THAT(metrics_.Text(),
              HasSubstr(R"(beak_requests_total{model="scale",outcome="invalid_argument",version="2"} 2)"));
}

TEST_F(PredictorTest, WhatOnlyTheDataCanTellIsTheClientsError) {
  PredictRequest request;
  request.model = "pick";
  request.inputs = {Input<int64_t>("indices", DType::kInt64, {2}, {0, 77})};
  EXPECT_THAT(Predict(request), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(PredictorTest, StatisticsTellWhereTheTimeWent) {
  scheduler_.before_run = [&](Task&) { clock_.Advance(milliseconds(5)); };
  EXPECT_OK(Predict(ScaleRequest()));
  ASSERT_OK_AND_ASSIGN(const auto version, models_->snapshot()->Find("scale", ""));
  const VersionStatistics statistics = version->observer().statistics();
  EXPECT_EQ(statistics.success.count, 1u);
  EXPECT_EQ(statistics.inference_count, 2u);
  EXPECT_EQ(statistics.execution_count, 1u);
  EXPECT_EQ(statistics.queue.ns, 5'000'000u);
  EXPECT_EQ(statistics.batches.count(2), 1u);
}

TEST_F(PredictorTest, WhatIsLateOnArrivalNeverReachesTheScheduler) {
  scheduler_.before_run = [](Task&) { FAIL(); };
  PredictRequest request = ScaleRequest();
  request.deadline = clock_.Now();
  EXPECT_THAT(Predict(request), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(metrics_.Text(), HasSubstr(R"(place="arrival")"));
}

TEST_F(PredictorTest, NothingIsExecutedAfterItsDeadline) {
  // A scheduler that does not look at deadlines must not be able to make it happen.
  scheduler_.before_run = [&](Task&) { clock_.Advance(milliseconds(10)); };
  PredictRequest request = ScaleRequest();
  request.deadline = clock_.Now() + milliseconds(10);
  EXPECT_THAT(Predict(request), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(metrics_.Text(), AllOf(HasSubstr("beak_executed_late_total 0"), HasSubstr(R"(place="queue")"),
                                     HasSubstr(R"(beak_batch_rows_count{model="scale",version="2"} 0)")));
}

TEST_F(PredictorTest, ARunThatCannotEndInTimeAnyMoreIsStopped) {
  dir_.Write("long/1/model.onnx", testing::SlowNetwork(256, 200));
  Load();
  PredictRequest request = ScaleRequest();
  request.model = "long";
  request.inputs = {Input<float>("x", DType::kFloat32, {1, 256}, std::vector<float>(256, 1.0f))};
  // The clock stands still, so it is no deadline that has passed: 25 million multiplications take longer than that.
  request.deadline = clock_.Now() + std::chrono::microseconds(10);
  EXPECT_THAT(Predict(request), StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("took too long")));
  EXPECT_THAT(metrics_.Text(), HasSubstr("beak_executed_late_total 0"));
  request.deadline = clock_.Now() + std::chrono::hours(1);
  EXPECT_OK(Predict(request));
}

// A clock that does something each time that it is looked at.
class BusyClock final : public Clock {
 public:
  explicit BusyClock(const Clock& clock) : clock_(clock) {}
  MonotonicTime Now() const override {
    ++looks;
    if (on_look) on_look(looks);
    return clock_.Now();
  }

  mutable int looks = 0;
  std::function<void(int)> on_look;

 private:
  const Clock& clock_;
};

// Two requests to a network of many steps share a batch; the clock is looked at before each step.
class LongRunTest : public PredictorTest {
 protected:
  static constexpr int kSteps = 200;

  LongRunTest() {
    dir_.Write("long/1/model.onnx", testing::SlowNetwork(16, kSteps));
    Load();
    predictor_ = std::make_unique<Predictor>(
        Predictor::Options{1}, Predictor::Parts{*models_, scheduler_, preparer_, metrics_, *tracer_, busy_clock_});
    scheduler_.hold = true;
    for (const float value : {1.0f, 2.0f}) {
      PredictRequest request;
      request.model = "long";
      request.inputs = {Input<float>("x", DType::kFloat32, {1, 16}, std::vector<float>(16, value))};
      request.received = clock_.Now();
      StartRequest(request);
    }
  }
  // Cancels one when the run is half done.
  void CancelHalfway(size_t request) {
    busy_clock_.on_look = [this, request, half = busy_clock_.looks + kSteps / 2](int looks) {
      if (looks == half) predictions_[request]->Cancel();
    };
    InlineScheduler::RunBatch(scheduler_.TakeHeld());
    busy_clock_.on_look = nullptr;
  }

  BusyClock busy_clock_{clock_};
};

TEST_F(LongRunTest, ARunThatNobodyWaitsForIsStoppedBetweenItsSteps) {
  predictions_[0]->Cancel();
  InlineScheduler::Tasks tasks = scheduler_.TakeHeld();
  InlineScheduler::RunBatch({tasks[0]});
  scheduler_.held = {tasks[1]};
  const int before = busy_clock_.looks;
  CancelHalfway(1);
  EXPECT_THAT(answers_[1].response, StatusIs(absl::StatusCode::kCancelled, HasSubstr("while it ran")));
  EXPECT_LT(busy_clock_.looks - before, kSteps * 3 / 4) << "steps that nobody waits for";
  EXPECT_EQ(Statistics("long").execution_count, 0u) << "it was not run to its end";
}

TEST_F(LongRunTest, WhoStillWaitsIsAnsweredThoughTheOtherHasGone) {
  CancelHalfway(0);
  EXPECT_THAT(answers_[0].response, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(Given<float>(1), std::vector<float>(16, 2));
  EXPECT_EQ(Statistics("long").execution_count, 1u);
}

TEST_F(PredictorTest, NothingIsExecutedAfterItsCancellation) {
  scheduler_.before_run = [](Task& task) { task.cancel_token().Cancel(); };
  EXPECT_THAT(Predict(ScaleRequest()), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(metrics_.Text(), HasSubstr(R"(beak_batch_rows_count{model="scale",version="2"} 0)"));
}

TEST_F(PredictorTest, CancelReachesTheScheduler) {
  scheduler_.hold = true;
  absl::Status answer;
  const auto prediction = predictor_->Start(ScaleRequest(), [&](auto response) { answer = response.status(); });
  ASSERT_NE(prediction, nullptr);
  prediction->Cancel();
  InlineScheduler::RunBatch(scheduler_.TakeHeld());
  EXPECT_THAT(answer, StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(PredictorTest, ARefusalIsTheAnswer) {
  scheduler_.hold = true;
  absl::Status answer;
  predictor_->Start(ScaleRequest(), [&](auto response) { answer = response.status(); });
  scheduler_.TakeHeld()[0]->Refuse(absl::UnavailableError("full"), Refusal::kQueueFull);
  EXPECT_THAT(answer, StatusIs(absl::StatusCode::kUnavailable, "full"));
  EXPECT_THAT(metrics_.Text(),
              AllOf(HasSubstr(R"(beak_queue_duration_seconds_count{model="scale",version="2"} 0)"),
                    HasSubstr(R"(beak_refusals_total{model="scale",reason="queue_full",version="2"} 1)")));
}

TEST_F(PredictorTest, ADefaultDeadlineIsForThoseWithoutOne) {
  scheduler_.hold = true;
  dir_.Write("hurried/1/model.onnx", testing::ScaleNetwork(2));
  dir_.Write("hurried/config.pbtxt", "beak { default_deadline_microseconds: 5000 }");
  auto models = ModelManager::Create({dir_.path(), {}, 1}, metrics_);
  ASSERT_OK(models);
  (*models)->LoadAll(CancelToken());
  Predictor predictor(Predictor::Options{1}, Parts(**models));
  PredictRequest request = ScaleRequest();
  request.model = "hurried";
  const auto deadline = [&] {
    predictor.Start(request, [](auto) {});
    const auto task = scheduler_.TakeHeld()[0];
    InlineScheduler::RunBatch({task});
    return task->deadline();
  };
  EXPECT_EQ(deadline(), request.received + milliseconds(5));
  request.deadline = request.received + std::chrono::hours(1);
  EXPECT_EQ(deadline(), request.deadline);
}

// ---------------------------------------------------------------- batches

// Requests that are told apart by their numbers, started and not yet run.
class BatchTest : public PredictorTest {
 protected:
  BatchTest() { scheduler_.hold = true; }

  // A request of so many rows of which the first is {value, value + 0.5}, the next {value + 1, value + 1.5} ...
  void Start(float value, int rows = 1, MonotonicTime deadline = kNever) {
    std::vector<float> values(static_cast<size_t>(2 * rows));
    for (size_t i = 0; i < values.size(); ++i) values[i] = value + static_cast<float>(i) / 2;
    PredictRequest request;
    request.model = "scale";
    request.inputs = {Input<float>("x", DType::kFloat32, {rows, 2}, values)};
    request.received = clock_.Now();
    request.deadline = deadline;
    StartRequest(request);
  }
  // What the scale network makes of Start's values.
  static std::vector<float> Expected(float value, int rows = 1) {
    std::vector<float> values(static_cast<size_t>(2 * rows));
    for (size_t i = 0; i < values.size(); ++i) values[i] = 3 * (value + static_cast<float>(i) / 2);
    return values;
  }
  std::vector<float> ValuesOf(size_t request) { return Given<float>(request); }
};

TEST_F(BatchTest, EachRequestGetsItsOwnRows) {
  Start(10, 1);
  Start(20, 3);
  Start(30, 2);
  InlineScheduler::RunBatch(scheduler_.TakeHeld());
  EXPECT_EQ(ValuesOf(0), Expected(10, 1));
  EXPECT_EQ(ValuesOf(1), Expected(20, 3));
  EXPECT_EQ(ValuesOf(2), Expected(30, 2));
  ASSERT_OK_AND_ASSIGN(const auto version, models_->snapshot()->Find("scale", ""));
  const VersionStatistics statistics = version->observer().statistics();
  EXPECT_EQ(statistics.execution_count, 1u);
  EXPECT_EQ(statistics.inference_count, 6u);
  EXPECT_EQ(statistics.batches.count(6), 1u) << "rows that were asked for, not those of the program";
}

TEST_F(BatchTest, UnusedRowsOfAProgramChangeNothing) {
  Start(10, 1);
  InlineScheduler::RunBatch(scheduler_.TakeHeld(), 2);
  EXPECT_EQ(ValuesOf(0), Expected(10, 1));
}

TEST_F(BatchTest, ARequestLargerThanABatchIsSplitAndJoined) {
  Start(0, 150);
  EXPECT_GE(scheduler_.parts, 3u) << "the model's limit is 64";
  InlineScheduler::Tasks tasks = scheduler_.TakeHeld();
  std::reverse(tasks.begin(), tasks.end());  // whichever comes first
  for (const auto& task : tasks) {
    EXPECT_EQ(answers_[0].answers, 0);
    InlineScheduler::RunBatch({task});
  }
  EXPECT_EQ(ValuesOf(0), Expected(0, 150));
  EXPECT_THAT(answers_[0].response->outputs[0].shape, ElementsAre(150, 2));
}

TEST_F(BatchTest, ClassesOfASplitRequestAreJoinedToo) {
  std::vector<float> values(200);
  std::iota(values.begin(), values.end(), 0.f);
  PredictRequest request;
  request.model = "scale";
  request.inputs = {Input<float>("x", DType::kFloat32, {100, 2}, values)};
  request.outputs = {{"y", 1}};
  request.received = clock_.Now();
  StartRequest(request);
  for (const auto& task : scheduler_.TakeHeld()) InlineScheduler::RunBatch({task});
  ASSERT_OK(answers_[0].response);
  const OutputTensor& output = answers_[0].response->outputs[0];
  EXPECT_THAT(output.shape, ElementsAre(100, 1));
  ASSERT_EQ(output.strings.size(), 100u);
  EXPECT_EQ(output.strings[0], "3:1:right");
  EXPECT_EQ(output.strings[99], "597:1:right");
}

TEST_F(BatchTest, PartsOfTwoRequestsMayShareABatch) {
  Start(0, 70);
  Start(500, 70);
  InlineScheduler::Tasks tasks = scheduler_.TakeHeld();
  std::stable_sort(tasks.begin(), tasks.end(), [](const auto& a, const auto& b) { return a->rows() < b->rows(); });
  InlineScheduler::Tasks small;
  for (const auto& task : tasks) {
    if (task->rows() < 16) {
      small.push_back(task);
    } else {
      InlineScheduler::RunBatch({task});
    }
  }
  ASSERT_GE(small.size(), 2u);
  InlineScheduler::RunBatch(small);
  EXPECT_EQ(ValuesOf(0), Expected(0, 70));
  EXPECT_EQ(ValuesOf(1), Expected(500, 70));
}

TEST_F(BatchTest, ARequestFailsOnceWhenOneOfItsPartsDoes) {
  Start(0, 150);
  const InlineScheduler::Tasks tasks = scheduler_.TakeHeld();
  InlineScheduler::RunBatch({tasks[0]});
  tasks[1]->Refuse(absl::DeadlineExceededError("too late"), Refusal::kHopeless);
  EXPECT_EQ(answers_[0].answers, 0) << "the last part still reads the request's memory";
  for (size_t i = 2; i < tasks.size(); ++i) {
    EXPECT_TRUE(tasks[i]->cancelled());
    InlineScheduler::RunBatch({tasks[i]});
  }
  EXPECT_EQ(answers_[0].answers, 1);
  EXPECT_THAT(answers_[0].response, StatusIs(absl::StatusCode::kDeadlineExceeded, "too late"));
}

TEST_F(BatchTest, WhoIsLateOrGoneIsTakenOutOfTheBatch) {
  Start(10, 1);
  Start(20, 1, clock_.Now() + milliseconds(5));
  Start(30, 1);
  Start(40, 1);
  predictions_[2]->Cancel();
  clock_.Advance(milliseconds(5));
  InlineScheduler::RunBatch(scheduler_.TakeHeld());
  EXPECT_EQ(ValuesOf(0), Expected(10));
  EXPECT_THAT(answers_[1].response, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(answers_[2].response, StatusIs(absl::StatusCode::kCancelled));
  EXPECT_EQ(ValuesOf(3), Expected(40));
  EXPECT_THAT(metrics_.Text(), AllOf(HasSubstr("beak_executed_late_total 0"),
                                     HasSubstr(R"(beak_batch_rows_sum{model="scale",version="2"} 2)")));
}

TEST_F(BatchTest, BadDataOfOneIsNotTheOthersFault) {
  const auto gather = [&](int64_t index) {
    PredictRequest request;
    request.model = "pick";
    request.inputs = {Input<int64_t>("indices", DType::kInt64, {1}, {index})};
    request.received = clock_.Now();
    StartRequest(request);
  };
  gather(1);
  gather(77);
  gather(2);
  InlineScheduler::RunBatch(scheduler_.TakeHeld());
  ASSERT_EQ(answers_[0].answers, 1);
  EXPECT_EQ(ValuesOf(0), std::vector<float>(4, 1));
  EXPECT_THAT(answers_[1].response, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ValuesOf(2), std::vector<float>(4, 2));
}

TEST_F(BatchTest, ASizeThatIsOftenPaddedGetsAProgramBesideTheLanes) {
  const auto program_rows = [&] {
    for (const float value : {10.0f, 20.0f, 30.0f}) Start(value);
    const InlineScheduler::Tasks tasks = scheduler_.TakeHeld();
    const int64_t rows = tasks[0]->workload().costs()->Smallest(3, 1)->rows;
    InlineScheduler::RunBatch(tasks);
    EXPECT_EQ(ValuesOf(answers_.size() - 1), Expected(30));
    return rows;
  };
  // Jobs are done one after the other: nothing is compiled before this one ends.
  std::promise<void> asked;
  ASSERT_TRUE(preparer_.Enqueue(Preparer::Urgency::kAwaited, [&](const CancelToken&) { asked.get_future().wait(); }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(program_rows(), 4) << "nobody waits for a program of their own";
  asked.set_value();
  AwaitPreparer();
  EXPECT_EQ(program_rows(), 3);
  models_->RefreshMetrics();
  EXPECT_THAT(metrics_.Text(), HasSubstr(R"(beak_batch_cost_seconds{model="scale",rows="3",threads="1",version="2"})"));
}

TEST_F(BatchTest, ShapesThatAreNewAreCompiledBesideTheLanes) {
  PredictRequest request;
  request.model = "free";
  request.inputs = {Input<uint8_t>("x", DType::kUint8, {2, 3}, {1, 2, 3, 4, 5, 6})};
  request.received = clock_.Now();
  // Jobs are done one after the other: nothing is compiled before this one ends.
  std::promise<void> asked;
  ASSERT_TRUE(preparer_.Enqueue(Preparer::Urgency::kAwaited, [&](const CancelToken&) { asked.get_future().wait(); }));
  StartRequest(request);
  EXPECT_EQ(answers_[0].answers, 0);
  InlineScheduler::Tasks tasks = scheduler_.TakeHeld();
  EXPECT_EQ(tasks.size(), 2u) << "a row each, while nothing is known of costs";
  asked.set_value();
  AwaitPreparer();
  InlineScheduler::RunBatch(std::move(tasks));
  ASSERT_OK(answers_[0].response);
  EXPECT_THAT(Values<uint8_t>(answers_[0].response->outputs[0]), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(answers_[0].response->outputs[0].shape, ElementsAre(2, 3));
}

}  // namespace
}  // namespace beak
