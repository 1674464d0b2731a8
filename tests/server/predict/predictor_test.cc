#include "server/predict/predictor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "server/scheduling/fifo_scheduler.h"
#include "tests/server/support/networks.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::StatusIs;

using std::chrono::milliseconds;

// Runs each task at once on the calling thread, or keeps it until told.
class InlineScheduler final : public Scheduler {
 public:
  void Submit(std::shared_ptr<Task> task) override {
    if (before_run) before_run(*task);
    if (hold) {
      held = std::move(task);
    } else {
      task->Run(0);
    }
  }
  void Cancel(Task& task) override { task.cancel_token().Cancel(); }
  void Drain(MonotonicTime) override {}

  std::function<void(Task&)> before_run;
  bool hold = false;
  std::shared_ptr<Task> held;
};

constexpr int kUint8 = 2, kFloat16 = 10;  // ONNX's numbers

class PredictorTest : public ::testing::Test {
 protected:
  PredictorTest() {
    dir_.Write("scale/1/model.onnx", testing::ScaleNetwork(2));
    dir_.Write("scale/2/model.onnx", testing::ScaleNetwork(3));
    dir_.Write("scale/names.txt", "left\nright\n");
    dir_.Write("scale/config.pbtxt", "version_policy { all {} } output { name: 'y' label_filename: 'names.txt' }");
    dir_.Write("simple/1/model.onnx", testing::SimpleNetwork());
    dir_.Write("bytes/1/model.onnx", testing::IdentityNetwork(kUint8, {-1, 3}));
    dir_.Write("half/1/model.onnx", testing::IdentityNetwork(kFloat16, {1, 3}));
    dir_.Write("gather/1/model.onnx", testing::GatherNetwork());
    dir_.Write("reshaped/1/model.onnx", testing::ScaleNetwork(2, 6));
    dir_.Write("reshaped/config.pbtxt",
               "input { name: 'x' dims: [2, 3] reshape { shape: [6] } } "
               "output { name: 'y' dims: [3, 2] reshape { shape: [6] } }");
    auto models = ModelManager::Create({dir_.path(), {}, 1}, metrics_);
    EXPECT_OK(models);
    models_ = *std::move(models);
    models_->LoadAll(CancelToken());
    predictor_ = std::make_unique<Predictor>(*models_, scheduler_, metrics_, clock_);
  }

  template <typename T>
  InputTensor Input(const char* name, DType dtype, std::vector<int64_t> shape, const std::vector<T>& values) {
    const auto* begin = reinterpret_cast<const std::byte*>(values.data());
    buffers_.emplace_back(begin, begin + values.size() * sizeof(T));
    return {name, dtype, std::move(shape), buffers_.back()};
  }
  PredictRequest ScaleRequest() {
    PredictRequest request;
    request.model = "scale";
    request.inputs = {Input<float>("x", DType::kFloat32, {2, 2}, {1, 2, 3, 4})};
    request.received = clock_.Now();
    return request;
  }

  // What the request is answered with; it must be before Start returns.
  absl::StatusOr<PredictResponse> Predict(const PredictRequest& request) {
    absl::StatusOr<PredictResponse> answer = absl::InternalError("not answered");
    int answers = 0;
    predictor_->Start(request, [&](absl::StatusOr<PredictResponse> response) {
      answer = std::move(response);
      ++answers;
    });
    EXPECT_EQ(answers, 1);
    return answer;
  }

  const testing::TempDir dir_;
  testing::FakeClock clock_;
  Metrics metrics_{"test"};
  InlineScheduler scheduler_;
  std::unique_ptr<ModelManager> models_;
  std::unique_ptr<Predictor> predictor_;
  std::list<std::vector<std::byte>> buffers_;
};

template <typename T>
std::vector<T> Values(const OutputTensor& output) {
  std::vector<T> values(output.data.size() / sizeof(T));
  std::memcpy(values.data(), output.data.data(), output.data.size());
  return values;
}

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
  request.model = "gather";
  request.inputs = {Input<float>("x", DType::kFloat32, {2, 4}, std::vector<float>(8, 1)),
                    Input<int64_t>("indices", DType::kInt64, {2}, {0, 77})};
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

TEST_F(PredictorTest, NothingIsExecutedAfterItsCancellation) {
  scheduler_.before_run = [](Task& task) { task.cancel_token().Cancel(); };
  EXPECT_THAT(Predict(ScaleRequest()), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(metrics_.Text(), HasSubstr(R"(beak_batch_rows_count{model="scale",version="2"} 0)"));
}

TEST_F(PredictorTest, CancelReachesTheScheduler) {
  scheduler_.hold = true;
  absl::Status answer;
  const auto handle = predictor_->Start(ScaleRequest(), [&](auto response) { answer = response.status(); });
  ASSERT_NE(handle, nullptr);
  predictor_->Cancel(handle);
  predictor_->Cancel(nullptr);
  scheduler_.held->Run(0);
  EXPECT_THAT(answer, StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(PredictorTest, ARefusalIsTheAnswer) {
  scheduler_.hold = true;
  absl::Status answer;
  predictor_->Start(ScaleRequest(), [&](auto response) { answer = response.status(); });
  scheduler_.held->Refuse(absl::UnavailableError("full"));
  EXPECT_THAT(answer, StatusIs(absl::StatusCode::kUnavailable, "full"));
  EXPECT_THAT(metrics_.Text(), HasSubstr(R"(beak_queue_duration_seconds_count{model="scale",version="2"} 0)"));
}

}  // namespace
}  // namespace beak
