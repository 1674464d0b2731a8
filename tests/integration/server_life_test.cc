// How a server starts and ends.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "server/server.h"
#include "tests/integration/server_fixture.h"
#include "tests/integration/serving.h"
#include "tests/server/support/networks.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AnyOf;
using testing::Connect;
using testing::FloatRequest;
using ::testing::HasSubstr;
using testing::Infer;
using testing::kSlowColumns;
using testing::MetricValue;
using testing::RunningServer;
using testing::StatusIs;
using testing::TempDir;

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

using std::chrono::seconds;

ServerConfig OneModel(const TempDir& dir) {
  dir.Write("scale/1/model.onnx", testing::ScaleNetwork(2));
  dir.Write("slow/1/model.onnx", testing::SlowNetwork(kSlowColumns, 400));
  ServerConfig config;
  config.model_repository = dir.path();
  config.threads = 2;
  return config;
}

TEST(ServerLifeTest, PortsInUseAreErrors) {
  const TempDir dir;
  RunningServer first(OneModel(dir));
  ServerConfig config = OneModel(dir);
  config.grpc_port = first.server->grpc_port();
  config.http_port = config.metrics_port = 0;
  EXPECT_THAT(Server::Create(config),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("grpc: cannot listen on 127.0.0.1:")));
  config.grpc_port = 0;
  config.metrics_port = first.server->metrics_port();
  EXPECT_THAT(Server::Create(config),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("metrics: cannot listen on 127.0.0.1:")));
}

TEST(ServerLifeTest, AMissingRepositoryIsAnErrorAnEmptyOneIsNot) {
  const TempDir dir;
  ServerConfig config;
  config.grpc_port = config.http_port = config.metrics_port = 0;
  config.model_repository = dir / "none";
  EXPECT_THAT(Server::Create(config), StatusIs(absl::StatusCode::kNotFound, HasSubstr("model repository")));
  config.model_repository = dir.path();
  RunningServer empty(config);
  inference::ServerReadyResponse ready;
  grpc::ClientContext context;
  EXPECT_TRUE(empty.stub->ServerReady(&context, inference::ServerReadyRequest(), &ready).ok());
  EXPECT_TRUE(ready.ready());
}

TEST(ServerLifeTest, WatchersHearOfTheEnd) {
  const TempDir dir;
  RunningServer running(OneModel(dir));
  const auto health = Health::NewStub(running.channel);
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<HealthCheckResponse>>> watches;
  HealthCheckResponse response;
  for (const char* service : {"", "scale", "none"}) {
    HealthCheckRequest request;
    request.set_service(service);
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    watches.push_back(health->Watch(contexts.back().get(), request));
    ASSERT_TRUE(watches.back()->Read(&response));
    EXPECT_EQ(response.status(), *service == 'n' ? HealthCheckResponse::SERVICE_UNKNOWN : HealthCheckResponse::SERVING);
  }
  std::thread shutdown([&] { running.server->Shutdown(seconds(30)); });
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(watches[i]->Read(&response));
    EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  }
  for (const auto& watch : watches) {
    EXPECT_FALSE(watch->Read(&response));
    EXPECT_TRUE(watch->Finish().ok());
  }
  shutdown.join();
}

TEST(ServerLifeTest, ShutdownUnderLoadAnswersEveryCall) {
  const TempDir dir;
  RunningServer running(OneModel(dir));
  std::atomic<int> answered{0}, refused{0}, other{0};
  std::atomic<bool> stop{false};
  std::vector<std::thread> clients;
  for (int client = 0; client < 8; ++client) {
    clients.emplace_back([&, client] {
      const auto stub = inference::GRPCInferenceService::NewStub(Connect(running.server->grpc_port()));
      const bool slow = client % 2 == 1;
      const auto request = slow ? FloatRequest("slow", {8, kSlowColumns}, std::vector<float>(8 * kSlowColumns))
                                : FloatRequest("scale", {1, 2}, {1, 2});
      while (!stop) {
        inference::ModelInferResponse response;
        const grpc::Status status = Infer(*stub, request, &response);
        if (status.ok()) {
          ++answered;
        } else if (status.error_code() == grpc::StatusCode::UNAVAILABLE) {
          ++refused;
          return;
        } else {
          ++other;
          ADD_FAILURE() << status.error_code() << " " << status.error_message();
          return;
        }
      }
    });
  }
  while (answered < 50) std::this_thread::yield();
  running.server->Shutdown(seconds(60));
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_GE(answered, 50);
  EXPECT_EQ(other, 0) << "a call ends with its answer or with UNAVAILABLE";
}

TEST(ServerLifeTest, AnEnsembleThatIsUnderWayIsFinishedWhileNewOnesAreRefused) {
  const TempDir dir;
  dir.Write("slow/1/model.onnx", testing::SlowNetwork(kSlowColumns, 4000));
  dir.Write("scale/1/model.onnx", testing::ScaleNetwork(2));
  const std::string dims = "dims: " + std::to_string(kSlowColumns);
  dir.Write("twice/1/unused", "");
  dir.Write("twice/config.pbtxt",
            "max_batch_size: 64 input { name: 'x' data_type: TYPE_FP32 " + dims +
                " } output { name: 'y' data_type: TYPE_FP32 " + dims +
                " } ensemble_scheduling { "
                "step { model_name: 'slow' input_map { key: 'x' value: 'x' } output_map { key: 'y' value: 'h' } } "
                "step { model_name: 'slow' input_map { key: 'x' value: 'h' } output_map { key: 'y' value: 'y' } } }");
  ServerConfig config;
  config.model_repository = dir.path();
  config.threads = 1;
  RunningServer running(config);
  const auto twice = FloatRequest("twice", {64, kSlowColumns}, std::vector<float>(64 * kSlowColumns));
  std::thread under_way([&] {
    inference::ModelInferResponse response;
    const grpc::Status status = Infer(*running.stub, twice, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
  });
  EXPECT_TRUE(testing::Eventually([&] { return MetricValue(running.server->metrics_port(), "beak_lanes_busy") >= 1; }));
  std::thread shutdown([&] { running.server->Shutdown(seconds(60)); });
  inference::ModelInferResponse response;
  while (Infer(*running.stub, FloatRequest("scale", {1, 2}, {1, 2}), &response).ok()) {
  }
  const grpc::Status refused = Infer(*running.stub, twice, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE) << refused.error_message();
  under_way.join();
  shutdown.join();
}

TEST(ServerLifeTest, ShutdownWithoutPatienceCutsWhatRuns) {
  const TempDir dir;
  dir.Write("slow/1/model.onnx", testing::SlowNetwork(kSlowColumns, 4000));
  ServerConfig config;
  config.model_repository = dir.path();
  config.threads = 1;
  RunningServer running(config);
  std::thread client([&] {
    inference::ModelInferResponse response;
    const grpc::Status status = Infer(
        *running.stub, FloatRequest("slow", {64, kSlowColumns}, std::vector<float>(64 * kSlowColumns)), &response);
    EXPECT_THAT(status.error_code(),
                AnyOf(grpc::StatusCode::CANCELLED, grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::OK));
  });
  while (MetricValue(running.server->metrics_port(), "beak_lanes_busy") < 1) std::this_thread::yield();
  running.server->Shutdown(seconds(0));
  client.join();
}

}  // namespace
}  // namespace beak
