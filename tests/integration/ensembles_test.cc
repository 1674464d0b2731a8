// Models that are made of others.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/integration/running_server.h"
#include "tests/integration/serving.h"
#include "tests/server/support/networks.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::FloatRequest;
using testing::Floats;
using ::testing::HasSubstr;
using testing::Infer;
using testing::RunningServer;
using testing::ScaleNetwork;

constexpr char kTensors[] =
    R"(max_batch_size: 8
       input { name: "x" data_type: TYPE_FP32 dims: [ 2 ] } output { name: "y" data_type: TYPE_FP32 dims: [ 2 ] } )";

std::string Step(const std::string& model, const std::string& from, const std::string& to) {
  return absl::StrCat("step { model_name: '", model, "' model_version: -1 input_map { key: 'x' value: '", from,
                      "' } output_map { key: 'y' value: '", to, "' } } ");
}
std::string Pipeline(const std::string& steps) {
  return absl::StrCat("platform: 'ensemble' ", kTensors, "ensemble_scheduling { ", steps, "}");
}
std::string Average(const std::string& members) {
  return absl::StrCat("platform: 'ensemble' ", kTensors, "beak { averaging { ", members, "} }");
}
std::string Member(const std::string& model, int version, double weight) {
  return absl::StrCat("member { model_name: '", model, "' model_version: ", version, " weight: ", weight, " } ");
}

class EnsemblesTest : public ::testing::Test {
 protected:
  EnsemblesTest() {
    dir_.Write("preprocess/1/model.onnx", ScaleNetwork(2));
    dir_.Write("network/1/model.onnx", ScaleNetwork(5));
    dir_.Write("network/2/model.onnx", ScaleNetwork(3));
    dir_.Write("network/config.pbtxt", "version_policy { all {} }");
    dir_.Write("head/1/model.onnx", ScaleNetwork(-1));
    dir_.Write("wide/1/model.onnx", ScaleNetwork(2, 3));
  }
  void AddEnsemble(const std::string& name, const std::string& config) {
    std::filesystem::create_directories(dir_ / (name + "/1"));
    dir_.Write(name + "/config.pbtxt", config);
  }
  void Start() {
    ServerConfig config;
    config.model_repository = dir_.path();
    config.threads = 2;
    running_ = std::make_unique<RunningServer>(config);
  }
  grpc::Status Ask(const std::string& model, inference::ModelInferResponse* response) {
    return Infer(*running_->stub, FloatRequest(model, {2, 2}, {1, 2, 3, 4}), response);
  }

  const testing::TempDir dir_;
  std::unique_ptr<RunningServer> running_;
};

TEST_F(EnsemblesTest, APipelineRunsItsStepsInTheirOrder) {
  // As they stand in the file does not matter.
  AddEnsemble("pipeline", Pipeline(Step("head", "scores", "y") + Step("preprocess", "x", "pixels") +
                                   Step("network", "pixels", "scores")));
  Start();
  inference::ModelInferResponse response;
  const grpc::Status status = Ask("pipeline", &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.model_name(), "pipeline");
  EXPECT_THAT(response.outputs(0).shape(), ElementsAre(2, 2));
  EXPECT_THAT(Floats(response), ElementsAre(-6, -12, -18, -24));

  std::vector<std::thread> clients;
  for (int client = 1; client <= 8; ++client) {
    clients.emplace_back([&, client] {
      const auto stub = running_->NewStub();
      for (int i = 0; i < 100; ++i) {
        const auto value = static_cast<float>(client * 1000 + i);
        inference::ModelInferResponse own;
        EXPECT_TRUE(Infer(*stub, FloatRequest("pipeline", {1, 2}, {value, -value}), &own).ok());
        EXPECT_THAT(Floats(own), ElementsAre(-6 * value, 6 * value));
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(running_->Statistics("pipeline").inference_stats().success().count(), 801u);
  const inference::ModelStatistics member = running_->Statistics("preprocess");
  EXPECT_EQ(member.inference_stats().success().count(), 801u);
  EXPECT_LT(member.execution_count(), 801u) << "requests to members are batched like any";
}

TEST_F(EnsemblesTest, AnAverageIsTheWeightedMean) {
  AddEnsemble("models", Average(Member("preprocess", 0, 1) + Member("head", -1, 1)));
  AddEnsemble("versions", Average(Member("network", 1, 3) + Member("network", 2, 1)));
  Start();
  inference::ModelInferResponse response;
  ASSERT_TRUE(Ask("models", &response).ok());
  EXPECT_THAT(Floats(response), ElementsAre(0.5, 1, 1.5, 2));
  ASSERT_TRUE(Ask("versions", &response).ok());
  EXPECT_THAT(Floats(response), ElementsAre(4.5, 9, 13.5, 18)) << "(3 * 5 + 3) / 4";
}

TEST_F(EnsemblesTest, WhatIsWrongWithAMemberIsSaidWithItsPlace) {
  AddEnsemble("orphan", Pipeline(Step("none", "x", "y")));
  AddEnsemble("misfit", Pipeline(Step("preprocess", "x", "t") + Step("wide", "t", "y")));
  AddEnsemble("half", Average(Member("network", 1, 1) + Member("network", 7, 1)));
  AddEnsemble("circle", Pipeline(Step("other", "x", "y")));
  AddEnsemble("other", Pipeline(Step("circle", "x", "y")));
  Start();
  const struct {
    const char* model;
    grpc::StatusCode code;
    std::vector<const char*> says;
  } cases[] = {
      {"orphan", grpc::StatusCode::NOT_FOUND, {"step 1 (model 'none')", "unknown model"}},
      {"misfit", grpc::StatusCode::INVALID_ARGUMENT, {"step 2 (model 'wide')", "input 'x'"}},
      {"half", grpc::StatusCode::NOT_FOUND, {"member 2 (model 'network')", "version 7"}},
      {"circle", grpc::StatusCode::INVALID_ARGUMENT, {"step 1 (model 'other')", "ensembles in each other"}},
  };
  for (const auto& c : cases) {
    inference::ModelInferResponse response;
    const grpc::Status status = Ask(c.model, &response);
    EXPECT_EQ(status.error_code(), c.code) << c.model;
    for (const char* text : c.says) EXPECT_THAT(status.error_message(), HasSubstr(text));
  }
  inference::ModelInferResponse response;
  EXPECT_TRUE(Ask("network", &response).ok());
}

TEST_F(EnsemblesTest, AConfigurationThatCannotWorkIsRefused) {
  AddEnsemble("loop", Pipeline(Step("head", "b", "a") + Step("network", "a", "b") + Step("preprocess", "x", "y")));
  AddEnsemble("hole", Pipeline(Step("head", "x", "elsewhere")));
  Start();
  inference::RepositoryIndexResponse index;
  grpc::ClientContext context;
  ASSERT_TRUE(running_->stub->RepositoryIndex(&context, inference::RepositoryIndexRequest(), &index).ok());
  std::string loop, hole;
  for (const auto& model : index.models()) {
    if (model.name() == "loop") loop = model.reason();
    if (model.name() == "hole") hole = model.reason();
  }
  EXPECT_THAT(loop, AllOf(HasSubstr("INVALID_ARGUMENT"), HasSubstr("step 1 (model 'head')"), HasSubstr("'b'")));
  EXPECT_THAT(hole, AllOf(HasSubstr("INVALID_ARGUMENT"), HasSubstr("output 'y'")));
}

}  // namespace
}  // namespace beak
