// What a model's configuration says about queues, seen from outside.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/async_call.h"
#include "tests/integration/running_server.h"
#include "tests/integration/serving.h"
#include "tests/server/support/networks.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using testing::AsyncCall;
using testing::Eventually;
using testing::FloatRequest;
using ::testing::HasSubstr;
using testing::Infer;
using testing::RunningServer;

constexpr int kColumns = 256;

class QueueOptionsTest : public ::testing::Test {
 protected:
  // A server with a model that takes its time, some ten milliseconds a row.
  void Start(const std::string& config_of_slow, int lanes = 1) {
    dir_.Write("slow/1/model.onnx", testing::SlowNetwork(kColumns, 1000));
    dir_.Write("slow/config.pbtxt", config_of_slow);
    ServerConfig config;
    config.model_repository = dir_.path();
    config.threads = lanes;
    running_ = std::make_unique<RunningServer>(config);
  }
  static inference::ModelInferRequest Slow(int64_t rows = 1) {
    return FloatRequest("slow", {rows, kColumns}, std::vector<float>(static_cast<size_t>(rows) * kColumns));
  }
  std::unique_ptr<AsyncCall> Ask(
      const inference::ModelInferRequest& request, std::function<void()> over = [] {}) {
    return std::make_unique<AsyncCall>(*running_->stub, request, std::move(over));
  }
  std::vector<std::unique_ptr<AsyncCall>> AskMany(int count) {
    std::vector<std::unique_ptr<AsyncCall>> calls;
    for (int i = 0; i < count; ++i) calls.push_back(Ask(Slow()));
    return calls;
  }
  // How calls ended, by code; messages of errors hold `says`.
  static std::map<grpc::StatusCode, int> Ends(const std::vector<std::unique_ptr<AsyncCall>>& calls,
                                              const std::string& says = "") {
    std::map<grpc::StatusCode, int> ends;
    for (const auto& call : calls) {
      const grpc::Status status = call->Await();
      ++ends[status.error_code()];
      if (!status.ok()) {
        EXPECT_THAT(status.error_message(), HasSubstr(says));
      }
    }
    return ends;
  }

  const testing::TempDir dir_;
  std::unique_ptr<RunningServer> running_;
};

TEST_F(QueueOptionsTest, AHigherPriorityOvertakesWhatWaits) {
  Start("max_batch_size: 1 dynamic_batching { priority_levels: 2 default_priority_level: 2 }");
  constexpr int kPatient = 30;
  std::atomic<int> done{0};
  std::vector<std::unique_ptr<AsyncCall>> patient;
  for (int i = 0; i < kPatient; ++i) patient.push_back(Ask(Slow(), [&] { ++done; }));
  ASSERT_TRUE(Eventually([&] { return running_->Metric("beak_queue_rows") >= kPatient / 2; }));
  inference::ModelInferRequest urgent = Slow();
  (*urgent.mutable_parameters())["priority"].set_int64_param(1);
  int done_before = kPatient;
  const auto call = Ask(urgent, [&] { done_before = done; });
  EXPECT_TRUE(call->Await().ok());
  EXPECT_LT(done_before, kPatient - 5) << "it came when all others had been there for long";
  EXPECT_EQ(Ends(patient)[grpc::StatusCode::OK], kPatient);
}

TEST_F(QueueOptionsTest, ARequestThatWaitsForTooLongIsRejected) {
  Start(R"(max_batch_size: 1
           dynamic_batching { default_queue_policy { timeout_action: REJECT default_timeout_microseconds: 1000 } })");
  std::map<grpc::StatusCode, int> ends;
  int asked = 0;
  // On a busy machine the first of them may wait for that long too.
  EXPECT_TRUE(Eventually([&] {
    for (const auto& [code, count] : Ends(AskMany(20), "queue policy")) ends[code] += count;
    asked += 20;
    return ends[grpc::StatusCode::OK] > 0;
  }));
  EXPECT_GT(ends[grpc::StatusCode::DEADLINE_EXCEEDED], asked / 2);
  EXPECT_EQ(ends[grpc::StatusCode::OK] + ends[grpc::StatusCode::DEADLINE_EXCEEDED], asked);
  EXPECT_EQ(running_->Count("beak_refusals_total", "slow", R"(reason="queue_timeout")"),
            ends[grpc::StatusCode::DEADLINE_EXCEEDED]);
}

TEST_F(QueueOptionsTest, ARequestThatWaitsForTooLongIsDelayed) {
  Start(R"(max_batch_size: 1
           dynamic_batching { default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 1000 } })");
  EXPECT_EQ(Ends(AskMany(20))[grpc::StatusCode::OK], 20);
}

TEST_F(QueueOptionsTest, AQueueOfTheModelsOwnSizeIsFullSooner) {
  Start("max_batch_size: 1 dynamic_batching { default_queue_policy { max_queue_size: 2 } }");
  auto ends = Ends(AskMany(20), "exceeds maximum queue size of 2");
  EXPECT_GT(ends[grpc::StatusCode::OK], 0);
  EXPECT_GT(ends[grpc::StatusCode::UNAVAILABLE], 5);
}

TEST_F(QueueOptionsTest, TheModelsOwnLimitOfRowsIsKept) {
  Start("max_batch_size: 1 beak { max_queue_rows: 2 }");
  auto ends = Ends(AskMany(20), "the model's queue is full");
  EXPECT_GT(ends[grpc::StatusCode::OK], 0);
  EXPECT_GT(ends[grpc::StatusCode::UNAVAILABLE], 5);
}

TEST_F(QueueOptionsTest, AnswersKeepTheOrderOfTheirRequests) {
  Start("max_batch_size: 32 dynamic_batching { preserve_ordering: true } beak { max_cores: 1 }", 2);
  const auto ran = [&] { return running_->Count("beak_requests_total", "slow", R"(outcome="ok")"); };
  // The first keeps one lane for long, the other lane has done the second meanwhile.
  const auto first = Ask(Slow(32));
  ASSERT_TRUE(Eventually([&] { return running_->Metric("beak_lanes_busy") > 0; }));
  const auto second = Ask(Slow());
  EXPECT_TRUE(second->Await().ok());
  EXPECT_EQ(ran(), 2) << "the second was answered before the first had run";
  EXPECT_TRUE(first->Await().ok());
}

TEST_F(QueueOptionsTest, RequestsWithoutADeadlineGetTheModels) {
  Start("max_batch_size: 1 beak { default_deadline_microseconds: 1000 }");
  grpc::ClientContext context;  // without one
  inference::ModelInferResponse response;
  const grpc::Status status = running_->stub->ModelInfer(&context, Slow(), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << status.error_message();
  EXPECT_TRUE(Infer(*running_->stub, Slow(), &response).ok()) << "one of its own counts";
}

TEST_F(QueueOptionsTest, SequencesAreRefusedByNameAndTheRestServes) {
  dir_.Write("talk/1/model.onnx", testing::ScaleNetwork(2));
  dir_.Write("talk/config.pbtxt", "sequence_batching { max_sequence_idle_microseconds: 1000 }");
  Start("max_batch_size: 1");
  inference::RepositoryIndexResponse index;
  grpc::ClientContext context;
  ASSERT_TRUE(running_->stub->RepositoryIndex(&context, inference::RepositoryIndexRequest(), &index).ok());
  std::map<std::string, std::string> reasons;
  for (const auto& model : index.models()) reasons[model.name()] = model.state() + " " + model.reason();
  EXPECT_THAT(reasons["talk"], HasSubstr("UNAVAILABLE UNIMPLEMENTED"));
  EXPECT_THAT(reasons["talk"], HasSubstr("sequence_batching"));
  // A sequence's parameters in a request say nothing to a model without.
  inference::ModelInferRequest request = Slow();
  (*request.mutable_parameters())["sequence_id"].set_int64_param(5);
  (*request.mutable_parameters())["sequence_start"].set_bool_param(true);
  inference::ModelInferResponse response;
  EXPECT_TRUE(Infer(*running_->stub, request, &response).ok());
}

}  // namespace
}  // namespace beak
