// ModelStreamInfer of a whole server in this process.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/running_server.h"
#include "tests/integration/serving.h"
#include "tests/server/support/networks.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using testing::FloatRequest;
using testing::Floats;
using ::testing::HasSubstr;
using testing::RunningServer;
using ::testing::StartsWith;

using Stream = grpc::ClientReaderWriter<inference::ModelInferRequest, inference::ModelStreamInferResponse>;

constexpr int kSlowColumns = 256;

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() {
    dir_.Write("scale/1/model.onnx", testing::ScaleNetwork(3));
    dir_.Write("slow/1/model.onnx", testing::SlowNetwork(kSlowColumns, 400));
    ServerConfig config;
    config.model_repository = dir_.path();
    config.threads = 2;
    running_ = std::make_unique<RunningServer>(std::move(config));
    stream_ = running_->stub->ModelStreamInfer(&context_);
  }
  ~StreamTest() override { context_.TryCancel(); }

  void Send(inference::ModelInferRequest request, const std::string& id) {
    request.set_id(id);
    EXPECT_TRUE(stream_->Write(request));
  }
  static inference::ModelInferRequest Scale(float value) { return FloatRequest("scale", {1, 2}, {value, 1}); }
  static inference::ModelInferRequest Slow() {
    return FloatRequest("slow", {64, kSlowColumns}, std::vector<float>(64 * kSlowColumns));
  }
  double Count(const std::string& model, const std::string& outcome) {
    return running_->Metric("beak_requests_total{model=\"" + model + "\",outcome=\"" + outcome + "\",version=\"1\"}");
  }

  const testing::TempDir dir_;
  std::unique_ptr<RunningServer> running_;
  grpc::ClientContext context_;
  std::unique_ptr<Stream> stream_;
  inference::ModelStreamInferResponse response_;
};

TEST_F(StreamTest, AnswersComeInTheOrderOfTheRequestsWhateverTheirLength) {
  constexpr int kRequests = 300;
  std::thread writer([this] {
    for (int i = 0; i < kRequests; ++i) Send(i % 60 == 0 ? Slow() : Scale(static_cast<float>(i)), std::to_string(i));
    EXPECT_TRUE(stream_->WritesDone());
  });
  for (int i = 0; i < kRequests; ++i) {
    ASSERT_TRUE(stream_->Read(&response_)) << i;
    EXPECT_EQ(response_.error_message(), "");
    EXPECT_EQ(response_.infer_response().id(), std::to_string(i));
    EXPECT_TRUE(response_.infer_response().parameters().at("triton_final_response").bool_param());
    if (i % 60 != 0) {
      EXPECT_EQ(Floats(response_.infer_response())[0], static_cast<float>(3 * i));
    }
  }
  EXPECT_FALSE(stream_->Read(&response_)) << "half-closed and answered";
  EXPECT_TRUE(stream_->Finish().ok());
  writer.join();
}

TEST_F(StreamTest, ErrorsAreAnswersLikeOthers) {
  Send(FloatRequest("none", {1, 2}, {1, 2}), "first");
  Send(FloatRequest("scale", {1, 3}, {1, 2, 3}), "second");
  Send(Scale(5), "third");
  stream_->WritesDone();
  ASSERT_TRUE(stream_->Read(&response_));
  EXPECT_THAT(response_.error_message(), StartsWith("Request for unknown model: 'none'"));
  EXPECT_EQ(response_.infer_response().id(), "first");
  ASSERT_TRUE(stream_->Read(&response_));
  EXPECT_THAT(response_.error_message(), HasSubstr("input 'x'"));
  EXPECT_EQ(response_.infer_response().id(), "second");
  ASSERT_TRUE(stream_->Read(&response_));
  EXPECT_EQ(response_.error_message(), "");
  EXPECT_THAT(Floats(response_.infer_response()), ElementsAre(15, 3));
  EXPECT_FALSE(stream_->Read(&response_));
  EXPECT_TRUE(stream_->Finish().ok());
}

TEST_F(StreamTest, AnErrorEndsTheStreamWhereTheClientAsksForThat) {
  grpc::ClientContext context;
  context.AddMetadata("triton_grpc_error", "true");
  const auto stream = running_->stub->ModelStreamInfer(&context);
  for (const char* model : {"scale", "none"}) EXPECT_TRUE(stream->Write(FloatRequest(model, {1, 2}, {1, 2})));
  stream->Write(FloatRequest("scale", {1, 2}, {1, 2}));  // fails where the stream has ended by then
  ASSERT_TRUE(stream->Read(&response_));
  EXPECT_EQ(response_.error_message(), "");
  EXPECT_FALSE(stream->Read(&response_));
  const grpc::Status status = stream->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), StartsWith("Request for unknown model: 'none'"));
}

TEST_F(StreamTest, AStreamWithoutRequestsIsNoError) {
  stream_->WritesDone();
  EXPECT_FALSE(stream_->Read(&response_));
  EXPECT_TRUE(stream_->Finish().ok());
}

TEST_F(StreamTest, ACancelledStreamCancelsWhatItHasAskedFor) {
  for (int i = 0; i < 10; ++i) Send(Slow(), "");
  ASSERT_TRUE(stream_->Read(&response_));
  context_.TryCancel();
  EXPECT_EQ(stream_->Finish().error_code(), grpc::StatusCode::CANCELLED);
  while (Count("slow", "ok") + std::max(0.0, Count("slow", "cancelled")) < 10) std::this_thread::yield();
  EXPECT_LT(Count("slow", "ok"), 10);
  EXPECT_EQ(running_->Metric("beak_queue_rows"), 0);
}

TEST_F(StreamTest, TheStreamsDeadlineIsThatOfItsRequests) {
  // Runs in eight parts, which take far longer than that together.
  constexpr int kRows = 512;
  const auto request = FloatRequest("slow", {kRows, kSlowColumns}, std::vector<float>(kRows * kSlowColumns));
  // The server's clock and the client's cancellation race. Where a busy machine does not even get the request to the
  // server in that time, there is more of it.
  const auto is_counted = [&] { return Count("slow", "deadline_exceeded") >= 1 || Count("slow", "cancelled") >= 1; };
  for (auto time = std::chrono::milliseconds(60); !is_counted(); time += time / 2) {
    ASSERT_LT(time, std::chrono::minutes(1));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + time);
    const auto stream = running_->stub->ModelStreamInfer(&context);
    stream->Write(request);
    // The server may be the first to give up.
    if (stream->Read(&response_)) {
      EXPECT_THAT(response_.error_message(), HasSubstr("deadline"));
    }
    EXPECT_FALSE(stream->Read(&response_));
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  }
  EXPECT_EQ(running_->Metric("beak_executed_late_total"), 0);
}

TEST_F(StreamTest, AClientThatNeverReadsHoldsUpItselfOnly) {
  std::atomic<int> sent{0};
  std::thread writer([&] {
    inference::ModelInferRequest request = FloatRequest("scale", {64, 2}, std::vector<float>(128));
    request.set_id(std::string(100'000, 'i'));  // comes back with each answer
    while (stream_->Write(request)) ++sent;
  });
  // At some time no more is taken: neither are there more answers, nor does a write succeed.
  for (int before = -1; before != sent || sent == 0;) {
    before = sent;
    for (int i = 0; i < 50; ++i) running_->Metric("beak_queue_rows");
  }
  EXPECT_LT(sent, 2000);
  inference::ModelInferResponse other;
  EXPECT_TRUE(testing::Infer(*running_->stub, Scale(1), &other).ok());
  context_.TryCancel();
  writer.join();
}

TEST_F(StreamTest, ShutdownEndsStreamsThatAreIdle) {
  Send(Scale(1), "");
  ASSERT_TRUE(stream_->Read(&response_));
  running_->server->Shutdown(std::chrono::hours(1));
  EXPECT_FALSE(stream_->Read(&response_));
  EXPECT_EQ(stream_->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace beak
