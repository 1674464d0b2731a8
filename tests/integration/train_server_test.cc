// Train jobs of a whole server: beside requests, and to the version that serves. Its trainer is fake_trainer.cc.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "proto/beak/v1/service/train_service.grpc.pb.h"
#include "tests/integration/running_server.h"
#include "tests/integration/serving.h"
#include "tests/server/jobs/trainer_support.h"
#include "tests/server/support/networks.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

using testing::FloatRequest;
using testing::Floats;
using testing::Infer;
using testing::RunningServer;
using testing::ScaleNetwork;
using testing::ScriptedJob;
using testing::TempDir;

constexpr int kColumns = 256;

class TrainServerTest : public ::testing::Test {
 protected:
  TrainServerTest() {
    for (const char* folder : {"models", "state", "data"}) fs::create_directory(dir_ / folder);
    dir_.Write("models/scale/1/model.onnx", ScaleNetwork(2));
    dir_.Write("models/slow/1/model.onnx", testing::SlowNetwork(kColumns, 1000));
    config_.model_repository = dir_ / "models";
    config_.state_dir = dir_ / "state";
    config_.data_dir = dir_ / "data";
    config_.train_program = testing::FakeTrainer();
    config_.train_memory_limit_bytes = testing::kNoMemoryLimit;
    config_.threads = 2;
    config_.repository_poll = std::chrono::milliseconds(50);
  }

  void Start() {
    running_ = std::make_unique<RunningServer>(config_);
    train_ = v1::TrainService::NewStub(running_->channel);
  }
  std::string Create(const v1::TrainJobSpec& spec) {
    v1::CreateTrainJobRequest request;
    *request.mutable_spec() = spec;
    v1::TrainJob job;
    grpc::ClientContext context;
    const grpc::Status status = train_->CreateTrainJob(&context, request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job.id();
  }
  v1::TrainJob Get(const std::string& id) {
    v1::GetTrainJobRequest request;
    request.set_id(id);
    v1::TrainJob job;
    grpc::ClientContext context;
    EXPECT_TRUE(train_->GetTrainJob(&context, request, &job).ok());
    return job;
  }

  const TempDir dir_;
  ServerConfig config_;
  std::unique_ptr<RunningServer> running_;
  std::unique_ptr<v1::TrainService::Stub> train_;
};

TEST_F(TrainServerTest, AJobBecomesTheVersionThatServes) {
  Start();
  const std::string file = dir_.Write("trained.onnx", ScaleNetwork(7));
  const std::string id = Create(ScriptedJob("epochs=1 model=" + file, "scale"));
  EXPECT_TRUE(testing::Eventually([&] {
    inference::ModelInferResponse response;
    EXPECT_TRUE(Infer(*running_->stub, FloatRequest("scale", {1, 2}, {1, 10}), &response).ok()) << "one always serves";
    return response.model_version() == "2" && Floats(response) == std::vector<float>{7, 70};
  }));
  EXPECT_EQ(Get(id).published_version(), 2);
  running_->server->Shutdown(std::chrono::seconds(10));
}

TEST_F(TrainServerTest, AJobStandsStillWhileRequestsNeedTheCores) {
  Start();
  const std::string id = Create(ScriptedJob("epochs=1 steps=10000000 step_us=100"));
  EXPECT_TRUE(testing::Eventually([&] { return Get(id).progress().step() > 0; }));
  std::atomic<bool> end = false;
  std::thread client([&] {
    while (!end) {
      inference::ModelInferResponse response;
      const auto request = FloatRequest("slow", {1, kColumns}, std::vector<float>(kColumns, 1));
      EXPECT_TRUE(Infer(*running_->stub, request, &response).ok());
    }
  });
  const std::string paused = "beak_train_paused_seconds_total";
  EXPECT_TRUE(testing::Eventually([&] { return running_->Metric(paused) > 0.2; }));
  end = true;
  client.join();
  const int64_t step = Get(id).progress().step();
  EXPECT_TRUE(testing::Eventually([&] { return Get(id).progress().step() > step + 100; })) << "it goes on";
  running_->server->Shutdown(std::chrono::seconds(10));
  EXPECT_NE(testing::ReadText(dir_ / ("state/jobs/" + id + "/checkpoint")), "") << "and ends in order";
}

TEST_F(TrainServerTest, TheNextServerGoesOn) {
  Start();
  const std::string id = Create(ScriptedJob("epochs=1 steps=20 hold_at=10", "new"));
  EXPECT_TRUE(testing::Eventually([&] { return Get(id).progress().step() == 9; }));
  running_->server->Shutdown(std::chrono::seconds(10));
  running_.reset();
  std::ofstream(dir_ / ("state/jobs/" + id + "/go"));
  Start();
  EXPECT_TRUE(testing::Eventually([&] { return Get(id).state() == v1::TrainJob::SUCCEEDED; }));
  EXPECT_EQ(Get(id).attempts(), 2);
  running_->server->Shutdown(std::chrono::seconds(10));
}

TEST_F(TrainServerTest, WithoutFoldersThereAreNoJobs) {
  config_.data_dir = "";
  Start();
  v1::TrainJob job;
  grpc::ClientContext context;
  EXPECT_EQ(train_->CreateTrainJob(&context, v1::CreateTrainJobRequest(), &job).error_code(),
            grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(TrainServerTest, TwoServersDoNotShareAStateFolder) {
  Start();
  ServerConfig second = config_;
  second.grpc_port = second.http_port = second.metrics_port = 0;
  EXPECT_THAT(Server::Create(second),
              testing::StatusIs(absl::StatusCode::kFailedPrecondition, ::testing::HasSubstr("another server uses it")));
}

}  // namespace
}  // namespace beak
