// What a server tells of itself and of its models, asked through real connections.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/server_fixture.h"
#include "tests/integration/serving.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::InferenceStub;
using ::testing::StartsWith;

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

class ServerTest : public testing::ServerFixture {};

TEST_F(ServerTest, IsLiveAndReadyThoughTwoModelsFailed) {
  inference::ServerLiveResponse live;
  EXPECT_TRUE(Call(&InferenceStub::ServerLive, inference::ServerLiveRequest(), &live).ok());
  EXPECT_TRUE(live.live());
  inference::ServerReadyResponse ready;
  EXPECT_TRUE(Call(&InferenceStub::ServerReady, inference::ServerReadyRequest(), &ready).ok());
  EXPECT_TRUE(ready.ready());
}

TEST_F(ServerTest, SaysWhatItIs) {
  inference::ServerMetadataResponse metadata;
  EXPECT_TRUE(Call(&InferenceStub::ServerMetadata, inference::ServerMetadataRequest(), &metadata).ok());
  EXPECT_EQ(metadata.name(), "beak");
  EXPECT_EQ(metadata.version(), "1.2.3");
  EXPECT_THAT(metadata.extensions(),
              ::testing::IsSupersetOf({"statistics", "model_repository", "model_repository(unload_dependents)"}));
}

TEST_F(ServerTest, ModelReadyIsNoErrorForUnknownModels) {
  const struct {
    const char *name, *version;
    bool ready;
  } cases[] = {{"scale", "", true},   {"scale", "1", true},  {"scale", "2", false},
               {"scale", "x", false}, {"broken", "", false}, {"none", "", false}};
  for (const auto& c : cases) {
    inference::ModelReadyRequest request;
    request.set_name(c.name);
    request.set_version(c.version);
    inference::ModelReadyResponse response;
    EXPECT_TRUE(Call(&InferenceStub::ModelReady, request, &response).ok());
    EXPECT_EQ(response.ready(), c.ready) << c.name << " " << c.version;
  }
}

TEST_F(ServerTest, ModelMetadataShowsTheBatchDimension) {
  inference::ModelMetadataRequest request;
  request.set_name("scale");
  inference::ModelMetadataResponse metadata;
  EXPECT_TRUE(Call(&InferenceStub::ModelMetadata, request, &metadata).ok());
  EXPECT_EQ(metadata.name(), "scale");
  EXPECT_EQ(metadata.platform(), "beak");
  EXPECT_THAT(metadata.versions(), ElementsAre("1", "3"));
  ASSERT_EQ(metadata.inputs_size(), 1);
  EXPECT_EQ(metadata.inputs(0).name(), "x");
  EXPECT_EQ(metadata.inputs(0).datatype(), "FP32");
  EXPECT_THAT(metadata.inputs(0).shape(), ElementsAre(-1, 2));
  ASSERT_EQ(metadata.outputs_size(), 1);
  EXPECT_THAT(metadata.outputs(0).shape(), ElementsAre(-1, 2));

  request.set_version("1");
  EXPECT_TRUE(Call(&InferenceStub::ModelMetadata, request, &metadata).ok());
  EXPECT_THAT(metadata.versions(), ElementsAre("1"));
  request.set_name("half");
  request.clear_version();
  EXPECT_TRUE(Call(&InferenceStub::ModelMetadata, request, &metadata).ok());
  EXPECT_THAT(metadata.inputs(0).shape(), ElementsAre(1, 3)) << "no batch dimension";
}

TEST_F(ServerTest, ModelConfigIsComplete) {
  inference::ModelConfigRequest request;
  request.set_name("scale");
  inference::ModelConfigResponse response;
  EXPECT_TRUE(Call(&InferenceStub::ModelConfig, request, &response).ok());
  EXPECT_EQ(response.config().name(), "scale");
  EXPECT_EQ(response.config().max_batch_size(), 64);
  EXPECT_THAT(response.config().input(0).dims(), ElementsAre(2));
  EXPECT_TRUE(response.config().version_policy().has_all());
}

TEST_F(ServerTest, UnknownModelsAreNotFoundEverywhere) {
  const auto expect = [](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_THAT(status.error_message(), StartsWith("Request for unknown model: 'none' is not found"));
  };
  inference::ModelMetadataRequest metadata;
  metadata.set_name("none");
  inference::ModelMetadataResponse metadata_response;
  expect(Call(&InferenceStub::ModelMetadata, metadata, &metadata_response));
  inference::ModelConfigRequest config;
  config.set_name("none");
  inference::ModelConfigResponse config_response;
  expect(Call(&InferenceStub::ModelConfig, config, &config_response));
  inference::ModelStatisticsRequest statistics;
  statistics.set_name("none");
  inference::ModelStatisticsResponse statistics_response;
  expect(Call(&InferenceStub::ModelStatistics, statistics, &statistics_response));
}

TEST_F(ServerTest, TheIndexGivesStatesAndReasons) {
  inference::RepositoryIndexResponse index;
  EXPECT_TRUE(Call(&InferenceStub::RepositoryIndex, inference::RepositoryIndexRequest(), &index).ok());
  std::map<std::string, std::pair<std::string, std::string>> entries;
  for (const auto& model : index.models()) {
    entries[model.name() + " " + model.version()] = {model.state(), model.reason()};
  }
  EXPECT_EQ(entries["scale 1"].first, "READY");
  EXPECT_EQ(entries["scale 3"].first, "READY");
  EXPECT_EQ(entries["broken 1"].first, "UNAVAILABLE");
  EXPECT_THAT(entries["broken 1"].second, HasSubstr("model.onnx"));
  EXPECT_THAT(entries["ensemble 1"].second, HasSubstr("an ensemble: expected inputs and outputs"));

  inference::RepositoryIndexRequest ready;
  ready.set_ready(true);
  EXPECT_TRUE(Call(&InferenceStub::RepositoryIndex, ready, &index).ok());
  for (const auto& model : index.models()) EXPECT_EQ(model.state(), "READY") << model.name();
}

TEST_F(ServerTest, WhatIsNotServedSaysSo) {
  const auto expect = [](const grpc::Status& status, const char* what) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED) << what;
    EXPECT_THAT(status.error_message(), HasSubstr("is not served")) << what;
  };
  inference::SystemSharedMemoryStatusResponse memory;
  expect(Call(&InferenceStub::SystemSharedMemoryStatus, inference::SystemSharedMemoryStatusRequest(), &memory), "shm");
  inference::CudaSharedMemoryRegisterResponse cuda;
  expect(Call(&InferenceStub::CudaSharedMemoryRegister, inference::CudaSharedMemoryRegisterRequest(), &cuda), "cuda");
  inference::TraceSettingResponse trace;
  expect(Call(&InferenceStub::TraceSetting, inference::TraceSettingRequest(), &trace), "trace");
  inference::LogSettingsResponse log;
  expect(Call(&InferenceStub::LogSettings, inference::LogSettingsRequest(), &log), "log");
}

// ---------------------------------------------------------------- health

HealthCheckResponse::ServingStatus Check(Health::Stub& health, const std::string& service, grpc::Status* status) {
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  *status = health.Check(&context, request, &response);
  return response.status();
}

TEST_F(ServerTest, HealthOfServerAndModels) {
  const auto health = Health::NewStub(running_->channel);
  grpc::Status status;
  EXPECT_EQ(Check(*health, "", &status), HealthCheckResponse::SERVING);
  EXPECT_EQ(Check(*health, "scale", &status), HealthCheckResponse::SERVING);
  EXPECT_EQ(Check(*health, "broken", &status), HealthCheckResponse::NOT_SERVING);
  EXPECT_TRUE(status.ok());
  Check(*health, "none", &status);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(ServerTest, WatchOfAnUnknownServiceSaysSoAndGoesOn) {
  const auto health = Health::NewStub(running_->channel);
  grpc::ClientContext context;
  HealthCheckRequest request;
  request.set_service("none");
  const auto watch = health->Watch(&context, request);
  HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVICE_UNKNOWN);
  context.TryCancel();
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace beak
