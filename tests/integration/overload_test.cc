// More than a server can do: everybody is answered, soon, and nothing is left behind.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/async_call.h"
#include "tests/integration/running_server.h"
#include "tests/integration/serving.h"
#include "tests/server/support/networks.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using testing::AsyncCall;
using testing::Connect;
using testing::Eventually;
using testing::FloatRequest;
using testing::Floats;
using ::testing::HasSubstr;
using testing::Infer;
using testing::InferenceStub;
using testing::RunningServer;

using std::chrono::milliseconds;

constexpr int kColumns = 256;

class OverloadTest : public ::testing::Test {
 protected:
  // As a process of its own.
  void Start(std::vector<std::string> flags = {}) {
    dir_.Write("slow/1/model.onnx", testing::SlowNetwork(kColumns, 4000));  // some ten milliseconds
    dir_.Write("slow/config.pbtxt", "max_batch_size: 1");
    dir_.Write("scale/1/model.onnx", testing::ScaleNetwork(2));
    flags.insert(flags.end(), {"--model-repository=" + dir_.path(), "--threads=1"});
    running_ = std::make_unique<RunningServer>(flags);
  }
  static inference::ModelInferRequest Slow(float value = 1) {
    return FloatRequest("slow", {1, kColumns}, std::vector<float>(kColumns, value));
  }
  double Requests(const std::string& outcome) {
    return running_->Count("beak_requests_total", "slow", "outcome=\"" + outcome + "\"");
  }
  void ExpectIdle() {
    EXPECT_TRUE(Eventually([&] { return running_->Metric("beak_lanes_busy") == 0; }));
    EXPECT_EQ(running_->Metric("beak_queue_rows"), 0);
    EXPECT_EQ(running_->Metric("beak_queue_bytes"), 0);
    inference::ModelInferResponse response;
    EXPECT_TRUE(Infer(*running_->stub, FloatRequest("scale", {1, 2}, {1, 2}), &response).ok());
  }

  const testing::TempDir dir_;
  std::unique_ptr<RunningServer> running_;
};

TEST_F(OverloadTest, AFullQueueIsToldAtOnceWithAHint) {
  Start({"--queue-rows=8"});
  std::vector<std::unique_ptr<AsyncCall>> calls;
  for (int i = 0; i < 60; ++i) calls.push_back(std::make_unique<AsyncCall>(*running_->stub, Slow()));
  double most_rows = 0;
  int refused = 0;
  for (const auto& call : calls) {
    most_rows = std::max(most_rows, running_->Metric("beak_queue_rows"));
    const grpc::Status status = call->Await();
    if (status.ok()) continue;
    ++refused;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_THAT(status.error_message(), HasSubstr("the queue is full: "));
    const auto& metadata = call->context().GetServerTrailingMetadata();
    const auto hint = metadata.find("grpc-retry-pushback-ms");
    ASSERT_NE(hint, metadata.end());
    const int delay = std::stoi(std::string(hint->second.data(), hint->second.size()));
    EXPECT_GE(delay, 1);
    EXPECT_LE(delay, 10'000);
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 60);
  EXPECT_GT(most_rows, 0);
  EXPECT_LE(most_rows, 8);
  EXPECT_EQ(Requests("unavailable"), refused);
  EXPECT_EQ(running_->Count("beak_refusals_total", "slow", R"(reason="queue_full")"), refused);
  ExpectIdle();
}

TEST_F(OverloadTest, AStormOfCancellationsLeavesNothingBehind) {
  Start();
  constexpr int kCalls = 500;
  std::vector<std::unique_ptr<AsyncCall>> calls;
  for (int i = 0; i < kCalls; ++i) calls.push_back(std::make_unique<AsyncCall>(*running_->stub, Slow()));
  ASSERT_TRUE(Eventually([&] { return running_->Metric("beak_queue_rows") > kCalls / 2; }));
  for (const auto& call : calls) call->context().TryCancel();
  int cancelled = 0;
  for (const auto& call : calls) {
    const grpc::StatusCode code = call->Await().error_code();
    EXPECT_TRUE(code == grpc::StatusCode::OK || code == grpc::StatusCode::CANCELLED) << code;
    cancelled += code == grpc::StatusCode::CANCELLED;
  }
  EXPECT_GT(cancelled, kCalls / 4);
  EXPECT_TRUE(Eventually([&] { return running_->Metric("beak_queue_rows") == 0; }));
  EXPECT_GT(running_->Count("beak_refusals_total", "slow", R"(reason="cancelled")"), 0);
  EXPECT_LT(Requests("ok"), kCalls);
  EXPECT_EQ(running_->Metric("beak_executed_late_total"), 0);
  ExpectIdle();
}

TEST_F(OverloadTest, AStormOfDisconnectsLeavesNothingBehind) {
  Start();
  constexpr int kClients = 25, kCallsEach = 20;
  struct Client {
    explicit Client(int port) : wire(port), stub(inference::GRPCInferenceService::NewStub(Connect(wire.port()))) {}
    testing::Wire wire;
    const std::unique_ptr<InferenceStub> stub;
    std::vector<std::unique_ptr<AsyncCall>> calls;
  };
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<Client>(running_->grpc_port()));
    for (int k = 0; k < kCallsEach; ++k) {
      clients.back()->calls.push_back(std::make_unique<AsyncCall>(*clients.back()->stub, Slow()));
    }
  }
  ASSERT_TRUE(Eventually([&] { return running_->Metric("beak_queue_rows") > kClients * kCallsEach / 2; }));
  for (const auto& client : clients) client->wire.Cut();
  for (const auto& client : clients) {
    for (const auto& call : client->calls) {
      const grpc::StatusCode code = call->Await().error_code();
      EXPECT_TRUE(code == grpc::StatusCode::OK || code == grpc::StatusCode::UNAVAILABLE) << code;
    }
  }
  EXPECT_TRUE(Eventually([&] { return running_->Metric("beak_queue_rows") == 0; }));
  EXPECT_LT(Requests("ok"), kClients * kCallsEach);
  ExpectIdle();
}

// Far more is asked for than can be done, for a while: whatever the machine does meanwhile, work goes on, and each
// request is answered once.
TEST_F(OverloadTest, EveryRequestIsAnsweredOnceAndAnswersAreInTime) {
  Start();
  constexpr int kClients = 16;
  constexpr int kAnswers = 100;  // that shall have been given in time
  const double cost = running_->Metric(R"(beak_batch_cost_seconds{model="slow",rows="1",threads="1",version="1"})");
  ASSERT_GT(cost, 0);
  const auto deadline_us = static_cast<int64_t>(4e6 * cost);
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  std::atomic<int> asked{0}, answered{0}, refused{0};
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      const auto stub = running_->NewStub();
      while (answered < kAnswers && std::chrono::steady_clock::now() < give_up) {
        inference::ModelInferRequest request = Slow(static_cast<float>(client + 1));
        (*request.mutable_parameters())["timeout"].set_int64_param(deadline_us);
        inference::ModelInferResponse response;
        const grpc::Status status = Infer(*stub, request, &response);
        ++asked;
        if (status.ok()) {
          ++answered;
          EXPECT_EQ(Floats(response)[0], static_cast<float>(client + 1));
        } else {
          ++refused;
          EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << status.error_message();
        }
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_GE(answered, kAnswers) << "overload must not end the work";
  EXPECT_GT(refused, 0) << "without too much to do nothing has been tested";
  EXPECT_EQ(Requests("ok"), answered);
  EXPECT_EQ(Requests("ok") + Requests("deadline_exceeded"), asked);
  EXPECT_EQ(running_->Metric("beak_executed_late_total"), 0);
  ExpectIdle();
}

}  // namespace
}  // namespace beak
