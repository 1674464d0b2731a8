// Answers that are known already.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/integration/running_server.h"
#include "tests/integration/serving.h"
#include "tests/server/support/networks.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using testing::Eventually;
using testing::FloatRequest;
using testing::Floats;
using testing::Infer;
using testing::RunningServer;

class ResponseCacheTest : public ::testing::Test {
 protected:
  ResponseCacheTest() {
    dir_.Write("scale/1/model.onnx", testing::ScaleNetwork(2));
    dir_.Write("scale/config.pbtxt", "response_cache { enable: true }");
    ServerConfig config;
    config.model_repository = dir_.path();
    config.threads = 1;
    config.model_control_mode = ControlMode::kExplicit;
    config.load_models = {"*"};
    running_ = std::make_unique<RunningServer>(config);
  }
  std::vector<float> Ask(const inference::ModelInferRequest& request) {
    inference::ModelInferResponse response;
    EXPECT_TRUE(Infer(*running_->stub, request, &response).ok());
    EXPECT_EQ(response.id(), request.id());
    return Floats(response);
  }
  double Count(const std::string& result) {
    return running_->Count("beak_cache_requests_total", "scale", "result=\"" + result + "\"");
  }

  const testing::TempDir dir_;
  std::unique_ptr<RunningServer> running_;
};

TEST_F(ResponseCacheTest, EqualRequestsAreAnsweredFromItAndNoOthers) {
  inference::ModelInferRequest request = FloatRequest("scale", {1, 2}, {1, 2});
  request.set_id("first");
  EXPECT_THAT(Ask(request), ElementsAre(2, 4));
  EXPECT_EQ(Count("miss"), 1);
  request.set_id("second");  // is no part of the question
  EXPECT_THAT(Ask(request), ElementsAre(2, 4));
  EXPECT_EQ(Count("hit"), 1);
  EXPECT_EQ(running_->Metric("beak_cache_entries"), 1);
  EXPECT_GT(running_->Metric("beak_cache_bytes"), 0);

  request.mutable_raw_input_contents(0)->at(0) ^= 1;  // the last bit of the 1
  EXPECT_NE(Ask(request)[0], 2);
  EXPECT_EQ(Count("hit"), 1);
  EXPECT_EQ(Count("miss"), 2);
  const inference::ModelStatistics statistics = running_->Statistics("scale");
  EXPECT_EQ(statistics.inference_stats().success().count(), 3u);
  EXPECT_EQ(statistics.inference_stats().cache_hit().count(), 1u);
  EXPECT_EQ(statistics.inference_stats().cache_miss().count(), 2u);
  EXPECT_EQ(statistics.execution_count(), 2u);
}

TEST_F(ResponseCacheTest, WhatAnotherLoadHasAnsweredIsForgotten) {
  const inference::ModelInferRequest request = FloatRequest("scale", {1, 2}, {1, 2});
  EXPECT_THAT(Ask(request), ElementsAre(2, 4));
  EXPECT_THAT(Ask(request), ElementsAre(2, 4));
  dir_.Write("scale/1/model.onnx", testing::ScaleNetwork(7));
  inference::RepositoryModelLoadRequest load;
  load.set_model_name("scale");
  inference::RepositoryModelLoadResponse loaded;
  grpc::ClientContext context;
  ASSERT_TRUE(running_->stub->RepositoryModelLoad(&context, load, &loaded).ok());
  EXPECT_THAT(Ask(request), ElementsAre(7, 14));
  EXPECT_TRUE(Eventually([&] { return running_->Metric("beak_cache_entries") == 1; })) << "the old answer is given up";
}

}  // namespace
}  // namespace beak
