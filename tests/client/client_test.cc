#include "client/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "proto/inference/model_config.pb.h"
#include "tests/client/fake_server.h"
#include "tests/support/status_matchers.h"

namespace beak::client {
namespace {

using ::beak::testing::FakeServer;
using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

grpc::Status Unavailable() { return grpc::Status(grpc::StatusCode::UNAVAILABLE, "queue full"); }

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    // Fast enough for a test, far from zero for a bug.
    options_.retry.initial_backoff = std::chrono::milliseconds(1);
    options_.retry.max_backoff = std::chrono::milliseconds(2);
  }

  std::unique_ptr<Client> Connect() {
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Connect(server_.address(), options_);
    EXPECT_OK(client);
    return *std::move(client);
  }

  static PredictRequest Request(const std::string& model = "m") {
    PredictRequest request;
    request.model = model;
    request.inputs.push_back(*TensorValue::Of<float>("x", {1, 2}, {1, 2}));
    return request;
  }

  // Answers with the inputs as outputs.
  static grpc::Status Echo(grpc::ServerContext*, const inference::ModelInferRequest& request,
                           inference::ModelInferResponse* response) {
    response->set_model_name(request.model_name());
    response->set_model_version("3");
    response->set_id(request.id());
    for (int i = 0; i < request.inputs_size(); ++i) {
      inference::ModelInferResponse::InferOutputTensor* output = response->add_outputs();
      output->set_name(request.inputs(i).name());
      output->set_datatype(request.inputs(i).datatype());
      *output->mutable_shape() = request.inputs(i).shape();
      response->add_raw_output_contents(request.raw_input_contents(i));
    }
    return grpc::Status::OK;
  }

  FakeServer server_;
  ClientOptions options_;
};

TEST_F(ClientTest, SaysWhenNobodyIsThere) {
  options_.connect_timeout = std::chrono::milliseconds(50);
  // Port 1 is reserved and not served.
  EXPECT_THAT(Client::Connect("127.0.0.1:1", options_),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("'127.0.0.1:1': no connection within 0.05 s")));
}

TEST_F(ClientTest, AsksForHealth) {
  server_.live = [](auto*, const auto&, auto* response) { return response->set_live(true), grpc::Status::OK; };
  server_.ready = [](auto*, const auto&, auto* response) { return response->set_ready(false), grpc::Status::OK; };
  server_.model_ready = [](auto*, const auto& request, auto* response) {
    response->set_ready(request.name() == "m" && request.version() == "2");
    return grpc::Status::OK;
  };
  const auto client = Connect();
  EXPECT_THAT(client->IsLive(), IsOkAndHolds(true));
  EXPECT_THAT(client->IsReady(), IsOkAndHolds(false));
  EXPECT_THAT(client->IsModelReady("m", "2"), IsOkAndHolds(true));
  EXPECT_THAT(client->IsModelReady("m"), IsOkAndHolds(false));
}

TEST_F(ClientTest, AsksTheHealthService) {
  server_.health = [](auto*, const auto& request, auto* response) {
    using Response = grpc::health::v1::HealthCheckResponse;
    if (request.service() == "none") return grpc::Status(grpc::StatusCode::NOT_FOUND, "unknown service 'none'");
    response->set_status(request.service().empty() ? Response::SERVING : Response::NOT_SERVING);
    return grpc::Status::OK;
  };
  const auto client = Connect();
  EXPECT_THAT(client->CheckHealth(), IsOkAndHolds(HealthStatus::kServing));
  EXPECT_THAT(client->CheckHealth("m"), IsOkAndHolds(HealthStatus::kNotServing));
  EXPECT_THAT(client->CheckHealth("none"), StatusIs(absl::StatusCode::kNotFound, "unknown service 'none'"));
}

TEST_F(ClientTest, DescribesServerAndModels) {
  server_.server_metadata = [](auto*, const auto&, auto* response) {
    response->set_name("beak");
    response->set_version("1");
    response->add_extensions("statistics");
    return grpc::Status::OK;
  };
  server_.model_metadata = [](auto*, const auto& request, auto* response) {
    response->set_name(request.name());
    response->set_platform("onnx");
    response->add_versions("1");
    auto* input = response->add_inputs();
    input->set_name("x");
    input->set_datatype("FP32");
    for (const int64_t dim : {-1, 3}) input->add_shape(dim);
    response->add_outputs()->set_name("y");
    return grpc::Status::OK;
  };
  server_.model_config = [](auto*, const auto& request, auto* response) {
    response->mutable_config()->set_name(request.name());
    response->mutable_config()->set_max_batch_size(8);
    return grpc::Status::OK;
  };
  const auto client = Connect();
  ASSERT_OK_AND_ASSIGN(const ServerMetadata server, client->GetServerMetadata());
  EXPECT_EQ(server.name, "beak");
  EXPECT_THAT(server.extensions, ElementsAre("statistics"));
  ASSERT_OK_AND_ASSIGN(const ModelMetadata model, client->GetModelMetadata("m"));
  EXPECT_EQ(model.name, "m");
  EXPECT_THAT(model.versions, ElementsAre("1"));
  ASSERT_EQ(model.inputs.size(), 1u);
  EXPECT_EQ(model.inputs[0].datatype, "FP32");
  EXPECT_THAT(model.inputs[0].shape, ElementsAre(-1, 3));
  EXPECT_EQ(model.outputs[0].name, "y");
  ASSERT_OK_AND_ASSIGN(const inference::ModelConfig config, client->GetModelConfig("m"));
  EXPECT_EQ(config.max_batch_size(), 8);
}

TEST_F(ClientTest, ListsModels) {
  server_.repository_index = [](auto*, const auto& request, auto* response) {
    auto* model = response->add_models();
    model->set_name(request.ready() ? "ready" : "all");
    model->set_version("2");
    model->set_state("UNAVAILABLE");
    model->set_reason("no weights");
    return grpc::Status::OK;
  };
  const auto client = Connect();
  ASSERT_OK_AND_ASSIGN(const std::vector<ModelIndex> models, client->ListModels());
  ASSERT_EQ(models.size(), 1u);
  EXPECT_EQ(models[0].name, "all");
  EXPECT_EQ(models[0].reason, "no weights");
  ASSERT_OK_AND_ASSIGN(const std::vector<ModelIndex> ready, client->ListModels(/*ready_only=*/true));
  EXPECT_EQ(ready[0].name, "ready");
}

TEST_F(ClientTest, LoadsAndUnloadsModels) {
  inference::RepositoryModelLoadRequest seen;
  server_.load = [&seen](auto*, const auto& request, auto*) {
    seen = request;
    return request.model_name() == "none"
               ? grpc::Status(grpc::StatusCode::NOT_FOUND, "failed to load 'none', not there")
               : grpc::Status::OK;
  };
  server_.unload = [](auto*, const auto& request, auto*) {
    return request.model_name() == "m" ? grpc::Status::OK : grpc::Status(grpc::StatusCode::NOT_FOUND, "not there");
  };
  const auto client = Connect();
  EXPECT_OK(client->LoadModel("m"));
  EXPECT_EQ(seen.model_name(), "m");
  EXPECT_TRUE(seen.parameters().empty());
  EXPECT_OK(client->LoadModel("m", R"({"max_batch_size":4})"));
  EXPECT_EQ(seen.parameters().at("config").string_param(), R"({"max_batch_size":4})");
  EXPECT_THAT(client->LoadModel("none"), StatusIs(absl::StatusCode::kNotFound, "failed to load 'none', not there"));
  EXPECT_OK(client->UnloadModel("m"));
  EXPECT_THAT(client->UnloadModel("none"), StatusIs(absl::StatusCode::kNotFound, "not there"));
}

TEST_F(ClientTest, ReadsStatistics) {
  server_.model_statistics = [](auto*, const auto& request, auto* response) {
    auto* model = response->add_model_stats();
    model->set_name(request.name());
    model->set_last_inference(1000);
    model->set_inference_count(5);
    model->set_execution_count(4);
    model->mutable_inference_stats()->mutable_queue()->set_count(5);
    model->mutable_inference_stats()->mutable_queue()->set_ns(77);
    model->mutable_inference_stats()->mutable_cache_hit()->set_count(6);
    model->mutable_inference_stats()->mutable_cache_miss()->set_ns(88);
    auto* batch = model->add_batch_stats();
    batch->set_batch_size(2);
    batch->mutable_compute_infer()->set_ns(99);
    return grpc::Status::OK;
  };
  const auto client = Connect();
  ASSERT_OK_AND_ASSIGN(const std::vector<ModelStatistics> statistics, client->GetStatistics("m"));
  ASSERT_EQ(statistics.size(), 1u);
  EXPECT_EQ(statistics[0].name, "m");
  EXPECT_EQ(statistics[0].last_inference.time_since_epoch(), std::chrono::seconds(1));
  EXPECT_EQ(statistics[0].inference_count, 5u);
  EXPECT_EQ(statistics[0].queue.total.count(), 77);
  EXPECT_EQ(statistics[0].cache_hit.count, 6u);
  EXPECT_EQ(statistics[0].cache_miss.total.count(), 88);
  EXPECT_EQ(statistics[0].batches[0].compute_infer.total.count(), 99);
}

TEST_F(ClientTest, PredictSendsWhatTheProtocolWants) {
  inference::ModelInferRequest seen;
  server_.infer = [&seen](auto* context, const auto& request, auto* response) {
    seen = request;
    return Echo(context, request, response);
  };
  PredictRequest request = Request("m");
  request.version = "2";
  request.id = "seven";
  request.inputs.push_back(*TensorValue::Of<uint8_t>("image", {3}, {1, 2, 3}));
  request.outputs = {{"y", 0}, {"classes", 5}};
  request.priority = 1;
  request.timeout = std::chrono::milliseconds(2);
  EXPECT_OK(Connect()->Predict(request));

  EXPECT_EQ(seen.model_name(), "m");
  EXPECT_EQ(seen.model_version(), "2");
  EXPECT_EQ(seen.id(), "seven");
  EXPECT_EQ(seen.parameters().at("priority").uint64_param(), 1u);
  EXPECT_EQ(seen.parameters().at("timeout").int64_param(), 2000);
  ASSERT_EQ(seen.inputs_size(), 2);
  EXPECT_EQ(seen.inputs(0).name(), "x");
  EXPECT_EQ(seen.inputs(0).datatype(), "FP32");
  EXPECT_THAT(seen.inputs(0).shape(), ElementsAre(1, 2));
  EXPECT_FALSE(seen.inputs(0).has_contents());
  ASSERT_EQ(seen.raw_input_contents_size(), 2);
  EXPECT_EQ(seen.raw_input_contents(1), "\1\2\3");
  ASSERT_EQ(seen.outputs_size(), 2);
  EXPECT_TRUE(seen.outputs(0).parameters().empty());
  EXPECT_EQ(seen.outputs(1).parameters().at("classification").int64_param(), 5);
}

TEST_F(ClientTest, PredictLeavesOutWhatIsNotSaid) {
  inference::ModelInferRequest seen;
  server_.infer = [&seen](auto* context, const auto& request, auto* response) {
    seen = request;
    return Echo(context, request, response);
  };
  EXPECT_OK(Connect()->Predict(Request()));
  EXPECT_TRUE(seen.parameters().empty());
  EXPECT_EQ(seen.outputs_size(), 0);
}

TEST_F(ClientTest, PredictReadsTheAnswer) {
  server_.infer = Echo;
  PredictRequest request = Request();
  request.id = "seven";
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Connect()->Predict(request));
  EXPECT_EQ(response.model, "m");
  EXPECT_EQ(response.version, "3");
  EXPECT_EQ(response.id, "seven");
  ASSERT_NE(response.Find("x"), nullptr);
  EXPECT_THAT(response.Find("x")->Values<float>(), IsOkAndHolds(ElementsAre(1, 2)));
  EXPECT_EQ(response.Find("y"), nullptr);
}

TEST_F(ClientTest, AnAnswerThatContradictsItselfIsTheServersFault) {
  server_.infer = [](auto* context, const auto& request, auto* response) {
    const grpc::Status status = Echo(context, request, response);
    response->mutable_raw_output_contents(0)->pop_back();
    return status;
  };
  EXPECT_THAT(Connect()->Predict(Request()), StatusIs(absl::StatusCode::kInternal, HasSubstr("output 'x'")));
}

TEST_F(ClientTest, ErrorsKeepCodeAndText) {
  server_.infer = [](auto*, const auto&, auto*) {
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "input 'x': expected FP32, got INT8");
  };
  EXPECT_THAT(Connect()->Predict(Request()),
              StatusIs(absl::StatusCode::kInvalidArgument, "input 'x': expected FP32, got INT8"));
}

TEST_F(ClientTest, RequestsThatMakeNoSenseAreNotSent) {
  const auto client = Connect();
  EXPECT_THAT(client->Predict(Request("")), StatusIs(absl::StatusCode::kInvalidArgument));
  PredictRequest twice = Request();
  twice.inputs.push_back(twice.inputs[0]);
  EXPECT_THAT(client->Predict(twice), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("input 'x'")));
  PredictRequest outputs = Request();
  outputs.outputs = {{"y", 0}, {"y", 3}};
  EXPECT_THAT(client->Predict(outputs), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("output 'y'")));
}

TEST_F(ClientTest, LargeAnswersArrive) {
  server_.infer = Echo;
  PredictRequest request = Request();
  request.inputs = {*TensorValue::FromBytes("x", Datatype::kUint8, {16 << 20}, std::string(16 << 20, 'x'))};
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Connect()->Predict(request));
  EXPECT_EQ(response.outputs[0].bytes().size(), size_t{16} << 20);
  options_.max_receive_bytes = 1 << 20;
  EXPECT_THAT(Connect()->Predict(request), StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_F(ClientTest, AsynchronousAnswersComeOnAnotherThread) {
  server_.infer = Echo;
  const auto client = Connect();
  std::promise<std::pair<std::thread::id, absl::Status>> promise;
  client->PredictAsync(Request(), [&promise](const absl::StatusOr<PredictResponse>& response) {
    promise.set_value({std::this_thread::get_id(), response.status()});
  });
  const auto [thread, status] = promise.get_future().get();
  EXPECT_OK(status);
  EXPECT_NE(thread, std::this_thread::get_id());
}

TEST_F(ClientTest, ManyAsynchronousCallsRunAtOnce) {
  server_.infer = Echo;
  const auto client = Connect();
  std::vector<std::future<absl::StatusOr<PredictResponse>>> answers;
  for (int i = 0; i < 64; ++i) {
    PredictRequest request = Request();
    request.id = std::to_string(i);
    answers.push_back(client->PredictAsync(std::move(request)));
  }
  for (int i = 0; i < 64; ++i) {
    const absl::StatusOr<PredictResponse> answer = answers[static_cast<size_t>(i)].get();
    ASSERT_OK(answer);
    EXPECT_EQ(answer->id, std::to_string(i));
  }
}

TEST_F(ClientTest, AClientWaitsForItsCallsBeforeItGoes) {
  server_.infer = Echo;
  auto client = Connect();
  std::atomic<int> answers = 0;
  for (int i = 0; i < 16; ++i) {
    client->PredictAsync(Request(), [&answers](const absl::StatusOr<PredictResponse>& response) {
      EXPECT_OK(response);
      ++answers;
    });
  }
  client.reset();
  EXPECT_EQ(answers, 16);
}

TEST_F(ClientTest, ACallbackMayMakeTheNextCall) {
  server_.infer = Echo;
  const auto client = Connect();
  std::promise<absl::Status> second;
  client->PredictAsync(Request(), [&](const absl::StatusOr<PredictResponse>& first) {
    EXPECT_OK(first);
    client->PredictAsync(Request(),
                         [&](const absl::StatusOr<PredictResponse>& response) { second.set_value(response.status()); });
  });
  EXPECT_OK(second.get_future().get());
}

TEST_F(ClientTest, UnavailableIsTriedAgain) {
  std::atomic<int> calls = 0;
  server_.infer = [&calls](auto* context, const auto& request, auto* response) {
    return ++calls < 3 ? Unavailable() : Echo(context, request, response);
  };
  ASSERT_OK_AND_ASSIGN(const PredictResponse response, Connect()->Predict(Request()));
  EXPECT_THAT(response.outputs[0].Values<float>(), IsOkAndHolds(ElementsAre(1, 2)));
  EXPECT_EQ(calls, 3);
}

TEST_F(ClientTest, GivesUpWithTheServersText) {
  std::atomic<int> calls = 0;
  server_.infer = [&calls](auto*, const auto&, auto*) { return ++calls, Unavailable(); };
  EXPECT_THAT(Connect()->Predict(Request()), StatusIs(absl::StatusCode::kUnavailable, "queue full"));
  EXPECT_EQ(calls, 4);
}

TEST_F(ClientTest, OtherErrorsAreNotTriedAgain) {
  std::atomic<int> calls = 0;
  server_.infer = [&calls](auto*, const auto&, auto*) {
    return ++calls, grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too large");
  };
  EXPECT_THAT(Connect()->Predict(Request()), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(calls, 1);
}

TEST_F(ClientTest, RetriesStayWithinTheBudget) {
  options_.retry.budget_burst = 2;
  options_.retry.budget_ratio = 0;
  std::atomic<int> calls = 0;
  server_.infer = [&calls](auto*, const auto&, auto*) { return ++calls, Unavailable(); };
  const auto client = Connect();
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(client->Predict(Request()).ok());
  EXPECT_EQ(calls, 12);
}

TEST_F(ClientTest, TheServersPushbackCounts) {
  // With this backoff only the server's word can make the second attempt come in time.
  options_.retry.initial_backoff = options_.retry.max_backoff = std::chrono::hours(1000);
  std::atomic<int> calls = 0;
  server_.infer = [&calls](auto* context, const auto& request, auto* response) {
    if (++calls > 1) return Echo(context, request, response);
    context->AddTrailingMetadata("grpc-retry-pushback-ms", "1");
    return Unavailable();
  };
  EXPECT_OK(Connect()->Predict(Request()));
  EXPECT_EQ(calls, 2);
}

TEST_F(ClientTest, TheServerMayForbidRetries) {
  std::atomic<int> calls = 0;
  server_.infer = [&calls](auto* context, const auto&, auto*) {
    ++calls;
    context->AddTrailingMetadata("grpc-retry-pushback-ms", "-1");
    return Unavailable();
  };
  EXPECT_THAT(Connect()->Predict(Request()), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(calls, 1);
}

TEST_F(ClientTest, DeadlinesAreKept) {
  std::promise<void> proceed;
  std::shared_future<void> may_proceed = proceed.get_future().share();
  server_.infer = [may_proceed](auto*, const auto&, auto*) {
    may_proceed.wait();
    return grpc::Status::OK;
  };
  const auto client = Connect();
  CallOptions call;
  call.deadline = std::chrono::milliseconds(20);
  EXPECT_THAT(client->Predict(Request(), call), StatusIs(absl::StatusCode::kDeadlineExceeded));
  proceed.set_value();
}

TEST_F(ClientTest, TheDeadlineCoversTheRetries) {
  options_.retry.initial_backoff = options_.retry.max_backoff = std::chrono::hours(1000);
  std::atomic<int> calls = 0;
  server_.infer = [&calls](auto* context, const auto&, auto*) {
    ++calls;
    context->AddTrailingMetadata("grpc-retry-pushback-ms", "3600000");
    return Unavailable();
  };
  // The answer comes at once: an hour's wait would not end before the deadline, so it is not begun.
  CallOptions call;
  call.deadline = std::chrono::seconds(30);
  EXPECT_THAT(Connect()->Predict(Request(), call), StatusIs(absl::StatusCode::kUnavailable, "queue full"));
  EXPECT_EQ(calls, 1);
}

TEST_F(ClientTest, TheServerSeesTheDeadline) {
  std::chrono::system_clock::time_point seen;
  server_.infer = [&seen](auto* context, const auto& request, auto* response) {
    seen = context->deadline();
    return Echo(context, request, response);
  };
  CallOptions call;
  call.deadline = std::chrono::seconds(100);
  EXPECT_OK(Connect()->Predict(Request(), call));
  const auto left = seen - std::chrono::system_clock::now();
  EXPECT_GT(left, std::chrono::seconds(10));
  EXPECT_LT(left, std::chrono::seconds(101));
}

}  // namespace
}  // namespace beak::client
