// Requests that run out of time, and clients that go away.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/server_fixture.h"
#include "tests/integration/serving.h"

namespace beak {
namespace {

using ::testing::AnyOf;
using testing::Connect;
using testing::FloatRequest;
using testing::Infer;
using testing::kSlowColumns;
using testing::MetricValue;
using testing::RunningServer;

using std::chrono::milliseconds;

class ServerDeadlineTest : public testing::ServerFixture {};

// Keeps all lanes busy for as long as it lives.
class Busy {
 public:
  explicit Busy(RunningServer& running, int requests = 6) {
    for (int i = 0; i < requests; ++i) {
      calls_.emplace_back([this, &running] {
        const auto stub = inference::GRPCInferenceService::NewStub(Connect(running.server->grpc_port()));
        while (!stop_) {
          inference::ModelInferResponse response;
          Infer(*stub, FloatRequest("slow", {64, kSlowColumns}, std::vector<float>(64 * kSlowColumns)), &response);
        }
      });
    }
    while (MetricValue(running.server->metrics_port(), "beak_queue_rows") < 64) std::this_thread::yield();
  }
  ~Busy() {
    stop_ = true;
    for (std::thread& call : calls_) call.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> calls_;
};

TEST_F(ServerDeadlineTest, DeadlinesAreHonouredInTheQueue) {
  const Busy busy(*running_);
  inference::ModelInferResponse response;
  inference::ModelInferRequest request = FloatRequest("scale", {1, 2}, {1, 2});
  (*request.mutable_parameters())["timeout"].set_int64_param(1);
  const grpc::Status status = Infer(stub(), request, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << "by the parameter, for the call has a minute";
  // A millisecond may be enough, where a lane happens to become free.
  auto code = grpc::StatusCode::OK;
  for (int i = 0; i < 100 && code == grpc::StatusCode::OK; ++i) {
    code = Infer(stub(), FloatRequest("scale", {1, 2}, {1, 2}), &response, milliseconds(1)).error_code();
  }
  EXPECT_EQ(code, grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(MetricValue(metrics_port(), "beak_executed_late_total"), 0);
}

TEST_F(ServerDeadlineTest, ClientsThatGiveUpFreeTheirPlace) {
  const char* const kCancelled = R"(beak_requests_total{model="slow",outcome="cancelled",version="1"})";
  {
    const Busy busy(*running_);
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::thread> calls;
    for (int i = 0; i < 4; ++i) {
      contexts.push_back(std::make_unique<grpc::ClientContext>());
      calls.emplace_back([this, context = contexts.back().get()] {
        inference::ModelInferResponse response;
        const grpc::Status status = stub().ModelInfer(
            context, FloatRequest("slow", {64, kSlowColumns}, std::vector<float>(64 * kSlowColumns)), &response);
        EXPECT_THAT(status.error_code(), AnyOf(grpc::StatusCode::CANCELLED, grpc::StatusCode::OK));
      });
    }
    for (const auto& context : contexts) context->TryCancel();
    for (std::thread& call : calls) call.join();
  }
  while (MetricValue(metrics_port(), "beak_lanes_busy") > 0) std::this_thread::yield();
  EXPECT_EQ(MetricValue(metrics_port(), "beak_queue_rows"), 0);
  EXPECT_THAT(MetricValue(metrics_port(), kCancelled), AnyOf(-1, ::testing::Le(4)));
  ExpectHealthy();
}

TEST_F(ServerDeadlineTest, AClientThatVanishesWhileItWaitsIsCancelled) {
  const Busy busy(*running_);
  const std::string cancelled = R"(beak_requests_total{model="scale",outcome="cancelled",version="3"})";
  const double before = MetricValue(metrics_port(), cancelled);
  testing::Wire wire(running_->server->grpc_port());
  std::thread client([&] {
    const auto far_stub = inference::GRPCInferenceService::NewStub(Connect(wire.port()));
    inference::ModelInferResponse response;
    EXPECT_FALSE(Infer(*far_stub, FloatRequest("scale", {1, 2}, {1, 2}), &response).ok());
  });
  // All others have 64 rows.
  while (static_cast<int>(MetricValue(metrics_port(), "beak_queue_rows")) % 64 != 1) std::this_thread::yield();
  wire.Cut();
  client.join();
  while (MetricValue(metrics_port(), cancelled) == before) std::this_thread::yield();
}

TEST_F(ServerDeadlineTest, AClientThatVanishesInTheMiddleOfItsMessageHarmsNothing) {
  testing::Wire wire(running_->server->grpc_port(), 100'000);
  std::thread client([&] {
    const auto far_stub = inference::GRPCInferenceService::NewStub(Connect(wire.port()));
    inference::ModelInferResponse response;
    EXPECT_FALSE(Infer(*far_stub, FloatRequest("scale", {1, 2}, std::vector<float>(200'000)), &response).ok());
  });
  wire.AwaitLimit();
  wire.Cut();
  client.join();
  ExpectHealthy();
}

}  // namespace
}  // namespace beak
