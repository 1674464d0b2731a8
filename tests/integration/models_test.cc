// Models that change under a whole server: through real connections, the repository on disk and load calls.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "server/server.h"
#include "tests/integration/running_server.h"
#include "tests/integration/serving.h"
#include "tests/server/support/networks.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

using testing::FloatRequest;
using testing::Floats;
using ::testing::HasSubstr;
using testing::Infer;
using testing::RunningServer;
using testing::TempDir;

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

class ModelsTest : public ::testing::Test {
 protected:
  void Start(ServerConfig config) {
    config.model_repository = dir_.path();
    config.repository_poll = std::chrono::milliseconds(10);
    running_ = std::make_unique<RunningServer>(std::move(config));
  }
  // As a process of its own.
  void StartProcess(const std::string& flag) {
    running_ = std::make_unique<RunningServer>(std::vector<std::string>{flag, "--model-repository=" + dir_.path()});
  }
  void StartExplicit() {
    ServerConfig config;
    config.model_control_mode = ControlMode::kExplicit;
    Start(config);
  }
  // A version as somebody puts it there who takes care: copied elsewhere, then renamed.
  void Put(int version, float factor) {
    const std::string folder = "scale/" + std::to_string(version);
    fs::remove_all(dir_ / ".incoming");
    dir_.Write(".incoming/model.onnx", testing::ScaleNetwork(factor));
    fs::create_directories(dir_ / "scale");
    if (fs::exists(dir_ / folder)) {
      fs::rename(dir_ / ".incoming/model.onnx", dir_ / (folder + "/model.onnx"));
    } else {
      fs::rename(dir_ / ".incoming", dir_ / folder);
    }
  }

  grpc::Status Load(const std::string& model, const std::map<std::string, std::string>& parameters = {}) {
    inference::RepositoryModelLoadRequest request;
    request.set_model_name(model);
    for (const auto& [name, value] : parameters) (*request.mutable_parameters())[name].set_string_param(value);
    inference::RepositoryModelLoadResponse response;
    grpc::ClientContext context;
    return running_->stub->RepositoryModelLoad(&context, request, &response);
  }
  grpc::Status Unload(const std::string& model) {
    inference::RepositoryModelUnloadRequest request;
    request.set_model_name(model);
    (*request.mutable_parameters())["unload_dependents"].set_bool_param(true);
    inference::RepositoryModelUnloadResponse response;
    grpc::ClientContext context;
    return running_->stub->RepositoryModelUnload(&context, request, &response);
  }
  // What the model makes of 1; 0 where it is not served.
  float Factor() {
    inference::ModelInferResponse response;
    const grpc::Status status = Infer(*running_->stub, FloatRequest("scale", {1, 2}, {1, 10}), &response);
    return status.ok() ? Floats(response)[0] : 0;
  }
  void AwaitFactor(float factor) {
    while (Factor() != factor) std::this_thread::yield();
  }
  // State and reason by "model version".
  std::map<std::string, std::pair<std::string, std::string>> Index() {
    inference::RepositoryIndexResponse index;
    grpc::ClientContext context;
    EXPECT_TRUE(running_->stub->RepositoryIndex(&context, inference::RepositoryIndexRequest(), &index).ok());
    std::map<std::string, std::pair<std::string, std::string>> entries;
    for (const auto& model : index.models()) {
      entries[model.name() + " " + model.version()] = {model.state(), model.reason()};
    }
    return entries;
  }

  const TempDir dir_;
  std::unique_ptr<RunningServer> running_;
};

TEST_F(ModelsTest, LoadAndUnloadByName) {
  Put(1, 2);
  StartExplicit();
  EXPECT_EQ(Index()["scale "].first, "") << "known by name only";
  EXPECT_EQ(Factor(), 0);
  grpc::Status status = Load("scale");
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(Factor(), 2);
  EXPECT_EQ(Index()["scale 1"].first, "READY");

  Put(2, 3);
  EXPECT_TRUE(Load("scale").ok());
  EXPECT_EQ(Factor(), 3);
  EXPECT_TRUE(Load("scale", {{"config", R"({"version_policy":{"specific":{"versions":["1"]}}})"}}).ok());
  EXPECT_EQ(Factor(), 2);

  EXPECT_TRUE(Unload("scale").ok());
  EXPECT_EQ(Factor(), 0);
  while (Index()["scale 1"].first != "UNAVAILABLE") std::this_thread::yield();
  EXPECT_EQ(Index()["scale 1"].second, "unloaded");
}

TEST_F(ModelsTest, LoadCallsThatCannotBeServedSayWhy) {
  Put(1, 2);
  dir_.Write("broken/1/model.onnx", "no model");
  StartExplicit();
  const struct {
    grpc::Status status;
    grpc::StatusCode code;
    const char* says;
  } cases[] = {
      {Load("none"), grpc::StatusCode::NOT_FOUND, "failed to load 'none', "},
      {Load("broken"), grpc::StatusCode::DATA_LOSS, "failed to load 'broken', "},
      {Load("scale", {{"config", "{"}}), grpc::StatusCode::INVALID_ARGUMENT, "failed to load 'scale', config"},
      {Load("scale", {{"config", R"({"nosuch":1})"}}), grpc::StatusCode::INVALID_ARGUMENT, "nosuch"},
      {Load("scale", {{"config", "{}"}, {"file:1/model.onnx", "x"}}), grpc::StatusCode::UNIMPLEMENTED, "file:"},
      {Load("scale", {{"speed", "high"}}), grpc::StatusCode::INVALID_ARGUMENT, "'speed'"},
      {Unload("none"), grpc::StatusCode::NOT_FOUND, "failed to unload 'none', "},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(c.status.error_code(), c.code) << c.status.error_message();
    EXPECT_THAT(c.status.error_message(), HasSubstr(c.says));
  }
  EXPECT_EQ(Index()["broken 1"].first, "UNAVAILABLE");
}

TEST_F(ModelsTest, PollingFollowsTheRepositoryAndRefusesCalls) {
  Put(1, 2);
  Start({});
  EXPECT_EQ(Factor(), 2);
  EXPECT_EQ(Load("scale").error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(Load("scale").error_message(), HasSubstr("--model-control-mode"));
  Put(2, 3);
  AwaitFactor(3);
  fs::remove_all(dir_ / "scale/2");
  AwaitFactor(2);
  Put(1, 5);
  AwaitFactor(5);
}

TEST_F(ModelsTest, WatchersFollowAModel) {
  Put(1, 2);
  StartExplicit();
  const auto health = Health::NewStub(running_->channel);
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service("scale");
  const auto watch = health->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(Load("scale").ok());
    ASSERT_TRUE(watch->Read(&response));
    EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
    EXPECT_TRUE(Unload("scale").ok());
    ASSERT_TRUE(watch->Read(&response));
    EXPECT_EQ(response.status(), HealthCheckResponse::NOT_SERVING);
  }
  context.TryCancel();
}

TEST_F(ModelsTest, NoRequestFailsWhileVersionsComeAndGo) {
  Put(1, 1);
  StartProcess("--repository-poll-secs=0.01");
  std::atomic<bool> stop = false;
  std::atomic<int> newest = 1;
  std::vector<std::thread> clients;
  for (int client = 0; client < 4; ++client) {
    clients.emplace_back([&] {
      const auto stub = running_->NewStub();
      while (!stop) {
        inference::ModelInferResponse response;
        const grpc::Status status = Infer(*stub, FloatRequest("scale", {1, 2}, {1, 10}), &response);
        ASSERT_TRUE(status.ok()) << status.error_message();
        const float factor = Floats(response)[0];
        ASSERT_EQ(Floats(response)[1], 10 * factor) << "one answer, one version";
        ASSERT_LE(factor, static_cast<float>(newest));
      }
    });
  }
  for (int i = 2; i <= 12; ++i) {
    newest = i;
    // A new version, or another file for the one that serves.
    Put(i / 3 + 1, static_cast<float>(i));
    AwaitFactor(static_cast<float>(i));
    if (i / 3 > 1) fs::remove_all(dir_ / ("scale/" + std::to_string(i / 3 - 1)));
  }
  stop = true;
  for (std::thread& client : clients) client.join();
}

TEST_F(ModelsTest, NoRequestFailsWhileCallsChangeWhichVersionsServe) {
  Put(1, 1);
  Put(2, 2);
  StartProcess("--model-control-mode=explicit");
  const auto only = [](int version) {
    return R"({"version_policy":{"specific":{"versions":[)" + std::to_string(version) + "]}}}";
  };
  ASSERT_TRUE(Load("scale", {{"config", only(1)}}).ok());
  std::atomic<bool> stop = false;
  std::atomic<int> newest = 2;
  std::vector<std::thread> clients;
  for (int client = 0; client < 4; ++client) {
    clients.emplace_back([&] {
      const auto stub = running_->NewStub();
      while (!stop) {
        inference::ModelInferResponse response;
        const grpc::Status status = Infer(*stub, FloatRequest("scale", {1, 2}, {1, 10}), &response);
        ASSERT_TRUE(status.ok()) << status.error_message();
        const std::vector<float> values = Floats(response);
        ASSERT_EQ(values[1], 10 * values[0]) << "one answer, one version";
        ASSERT_LE(values[0], static_cast<float>(newest));
      }
    });
  }
  for (int i = 3; i <= 30; ++i) {
    const int version = 1 + i % 2;
    newest = i;
    Put(version, static_cast<float>(i));  // that which does not serve
    const grpc::Status status = Load("scale", {{"config", only(version)}});
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(Factor(), i);
  }
  stop = true;
  for (std::thread& client : clients) client.join();
}

TEST_F(ModelsTest, AServerThatStopsWhileItLoadsAnswersTheCall) {
  dir_.Write("slow/1/model.onnx", testing::SlowNetwork(256, 4000));
  StartExplicit();
  std::promise<grpc::Status> answer;
  std::thread caller([&] { answer.set_value(Load("slow")); });
  while (Index().count("slow 1") == 0) std::this_thread::yield();
  running_->server->Shutdown(std::chrono::seconds(30));
  const grpc::Status status = answer.get_future().get();
  caller.join();
  EXPECT_TRUE(status.ok() || status.error_message().find("shutting down") != std::string::npos)
      << status.error_message();
}

}  // namespace
}  // namespace beak
