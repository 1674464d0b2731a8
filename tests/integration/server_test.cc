// A whole server in this process, asked through real connections.

#include "server/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <functional>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/serving.h"
#include "tests/server/support/networks.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AnyOf;
using testing::Connect;
using ::testing::ElementsAre;
using testing::FloatRequest;
using testing::Floats;
using ::testing::HasSubstr;
using testing::Infer;
using testing::InferenceStub;
using testing::MetricValue;
using ::testing::Not;
using ::testing::StartsWith;
using testing::StatusIs;
using testing::TempDir;

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kUint8 = 2, kFloat16 = 10;  // ONNX's numbers
constexpr int64_t kMaxReceiveBytes = 1 << 20;
constexpr int kSlowColumns = 256;

// A server, and how to wait until it has loaded everything.
class Running {
 public:
  explicit Running(ServerConfig config) {
    config.grpc_port = config.metrics_port = 0;
    config.server_version = "1.2.3";
    config.on_loaded = [this](const Server&) { loaded_.set_value(); };
    auto started = Server::Create(config);
    EXPECT_OK(started);
    server = *std::move(started);
    loaded_.get_future().wait();
    channel = Connect(server->grpc_port());
    stub = inference::GRPCInferenceService::NewStub(channel);
  }

  std::promise<void> loaded_;
  std::unique_ptr<Server> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<InferenceStub> stub;
};

// Models of all kinds, two of them broken.
void WriteRepository(const TempDir& dir) {
  dir.Write("scale/1/model.onnx", testing::ScaleNetwork(2));
  dir.Write("scale/3/model.onnx", testing::ScaleNetwork(3));
  dir.Write("scale/names.txt", "left\nright\n");
  dir.Write("scale/config.pbtxt", "version_policy { all {} } output { name: 'y' label_filename: 'names.txt' }");
  dir.Write("simple/1/model.onnx", testing::SimpleNetwork());
  dir.Write("bytes/1/model.onnx", testing::IdentityNetwork(kUint8, {-1, 3}));
  dir.Write("half/1/model.onnx", testing::IdentityNetwork(kFloat16, {1, 3}));
  dir.Write("slow/1/model.onnx", testing::SlowNetwork(kSlowColumns, 400));
  dir.Write("strict/1/model.onnx", testing::ScaleNetwork(2));
  dir.Write("strict/config.pbtxt", "beak { refuse_oversized_requests: true }");
  dir.Write("broken/1/model.onnx", "no model");
  dir.Write("ensemble/1/model.onnx", "");
  dir.Write("ensemble/config.pbtxt", "ensemble_scheduling {}");
}

class ServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir();
    WriteRepository(*dir_);
    ServerConfig config;
    config.model_repository = dir_->path();
    config.max_receive_bytes = kMaxReceiveBytes;
    config.threads = 2;
    running_ = new Running(config);
  }
  static void TearDownTestSuite() {
    delete running_;
    delete dir_;
  }

  InferenceStub& stub() { return *running_->stub; }
  int metrics_port() { return running_->server->metrics_port(); }
  // What a call is answered with, or its error.
  template <typename Response, typename Request>
  grpc::Status Call(grpc::Status (InferenceStub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    return (stub().*method)(&context, request, response);
  }
  void ExpectHealthy() {
    inference::ModelInferResponse response;
    const grpc::Status status = Infer(stub(), FloatRequest("scale", {1, 2}, {1, 10}), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_THAT(Floats(response), ElementsAre(3, 30));
  }

  static TempDir* dir_;
  static Running* running_;
};

TempDir* ServerTest::dir_ = nullptr;
Running* ServerTest::running_ = nullptr;

// ---------------------------------------------------------------- descriptions

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

// ---------------------------------------------------------------- predictions

TEST_F(ServerTest, RawAndTypedInputsGiveTheSameAnswer) {
  inference::ModelInferRequest request = FloatRequest("scale", {2, 2}, {1, 2, 3, 4});
  request.set_id("my id");
  inference::ModelInferResponse response;
  ASSERT_TRUE(Infer(stub(), request, &response).ok());
  EXPECT_EQ(response.id(), "my id");
  EXPECT_EQ(response.model_name(), "scale");
  EXPECT_EQ(response.model_version(), "3");
  EXPECT_THAT(response.outputs(0).shape(), ElementsAre(2, 2));
  EXPECT_THAT(Floats(response), ElementsAre(3, 6, 9, 12));

  request.clear_raw_input_contents();
  for (const float value : {1, 2, 3, 4}) request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(value);
  request.set_model_version("1");
  ASSERT_TRUE(Infer(stub(), request, &response).ok());
  EXPECT_THAT(Floats(response), ElementsAre(2, 4, 6, 8));
  EXPECT_FALSE(response.outputs(0).has_contents()) << "answers are raw whatever the request was";
}

TEST_F(ServerTest, WhatStockClientsShipWith) {
  inference::ModelInferRequest request;
  request.set_model_name("simple");
  for (const char* name : {"INPUT0", "INPUT1"}) {
    auto& input = *request.add_inputs();
    input.set_name(name);
    input.set_datatype("INT32");
    input.add_shape(1);
    input.add_shape(16);
    for (int i = 0; i < 16; ++i) input.mutable_contents()->add_int_contents(name[5] == '0' ? i : 1);
  }
  inference::ModelInferResponse response;
  ASSERT_TRUE(Infer(stub(), request, &response).ok());
  ASSERT_EQ(response.outputs_size(), 2);
  int32_t sum[16], difference[16];
  std::memcpy(sum, response.raw_output_contents(0).data(), sizeof(sum));
  std::memcpy(difference, response.raw_output_contents(1).data(), sizeof(difference));
  EXPECT_EQ(sum[7], 8);
  EXPECT_EQ(difference[7], 6);

  request.add_outputs()->set_name("OUTPUT1");
  ASSERT_TRUE(Infer(stub(), request, &response).ok());
  ASSERT_EQ(response.outputs_size(), 1);
  EXPECT_EQ(response.outputs(0).name(), "OUTPUT1");
}

TEST_F(ServerTest, ClassesWithLabels) {
  inference::ModelInferRequest request = FloatRequest("scale", {1, 2}, {1, 2});
  auto& output = *request.add_outputs();
  output.set_name("y");
  (*output.mutable_parameters())["classification"].set_int64_param(1);
  inference::ModelInferResponse response;
  ASSERT_TRUE(Infer(stub(), request, &response).ok());
  EXPECT_EQ(response.outputs(0).datatype(), "BYTES");
  EXPECT_THAT(response.outputs(0).shape(), ElementsAre(1, 1));
  EXPECT_EQ(response.raw_output_contents(0).substr(4), "6:1:right");
}

TEST_F(ServerTest, NanStaysInItsRow) {
  inference::ModelInferResponse response;
  ASSERT_TRUE(Infer(stub(), FloatRequest("scale", {3, 2}, {1, 2, std::nanf(""), INFINITY, 3, 4}), &response).ok());
  const std::vector<float> values = Floats(response);
  EXPECT_TRUE(std::isnan(values[2]));
  EXPECT_EQ(values[0], 3);
  EXPECT_EQ(values[5], 12);
}

struct BadCase {
  const char* name;
  std::function<void(inference::ModelInferRequest&)> spoil;
  grpc::StatusCode code;
  const char* says;
};

TEST_F(ServerTest, BadRequestsAreNamedAndHarmNothing) {
  constexpr auto kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
  const std::vector<BadCase> cases = {
      {"unknown model", [](auto& m) { m.set_model_name("none"); }, grpc::StatusCode::NOT_FOUND, "unknown model"},
      {"unknown version", [](auto& m) { m.set_model_version("2"); }, grpc::StatusCode::NOT_FOUND, "version 2"},
      {"version in words", [](auto& m) { m.set_model_version("newest"); }, kInvalid, "whole number"},
      {"a model that failed", [](auto& m) { m.set_model_name("broken"); }, grpc::StatusCode::NOT_FOUND, "'broken'"},
      {"no model", [](auto& m) { m.clear_model_name(); }, grpc::StatusCode::NOT_FOUND, "unknown model"},
      {"input name", [](auto& m) { m.mutable_inputs(0)->set_name("z"); }, kInvalid, "input 'z'"},
      {"missing input", [](auto& m) { m.clear_inputs(), m.clear_raw_input_contents(); }, kInvalid, "input 'x'"},
      {"nothing at all", [](auto& m) { m.Clear(), m.set_model_name("simple"); }, kInvalid, "input 'INPUT0'"},
      {"input twice",
       [](auto& m) {
         *m.add_inputs() = m.inputs(0);
         m.add_raw_input_contents(m.raw_input_contents(0));
       },
       kInvalid, "twice"},
      {"type", [](auto& m) { m.mutable_inputs(0)->set_datatype("INT32"); }, kInvalid, "expected FP32, got INT32"},
      {"made-up type", [](auto& m) { m.mutable_inputs(0)->set_datatype("FP31"); }, kInvalid, "FP31"},
      {"rank", [](auto& m) { m.mutable_inputs(0)->clear_shape(), m.mutable_inputs(0)->add_shape(2); }, kInvalid,
       "shape"},
      {"size",
       [](auto& m) {
         m.mutable_inputs(0)->set_shape(1, 1);
         m.mutable_inputs(0)->set_shape(0, 2);
       },
       kInvalid, "expected [-1, 2], got [2, 1]"},
      {"negative", [](auto& m) { m.mutable_inputs(0)->set_shape(0, -1); }, kInvalid, "-1"},
      {"overflow",
       [](auto& m) { m.mutable_inputs(0)->set_shape(0, int64_t{1} << 62), m.mutable_inputs(0)->set_shape(1, 8); },
       kInvalid, "input 'x'"},
      {"empty batch", [](auto& m) { m.mutable_inputs(0)->set_shape(0, 0), m.set_raw_input_contents(0, ""); }, kInvalid,
       "batch size"},
      {"large batch",
       [](auto& m) {
         m.set_model_name("strict");
         m.mutable_inputs(0)->set_shape(0, 65);
         m.set_raw_input_contents(0, std::string(65 * 8, 'x'));
       },
       kInvalid, "expected 1 to 64, got 65"},
      {"too few bytes", [](auto& m) { m.mutable_raw_input_contents(0)->pop_back(); }, kInvalid, "bytes"},
      {"too many bytes", [](auto& m) { m.mutable_raw_input_contents(0)->push_back('x'); }, kInvalid, "bytes"},
      {"no bytes", [](auto& m) { m.clear_raw_input_contents(); }, kInvalid, "input 'x'"},
      {"more raw than inputs", [](auto& m) { m.add_raw_input_contents("x"); }, kInvalid, "raw_input_contents"},
      {"raw and typed", [](auto& m) { m.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1); }, kInvalid,
       "both"},
      {"typed in another field",
       [](auto& m) {
         m.clear_raw_input_contents();
         for (int i = 0; i < 2; ++i) m.mutable_inputs(0)->mutable_contents()->add_int_contents(i);
       },
       kInvalid, "fp32_contents"},
      {"too few elements",
       [](auto& m) {
         m.clear_raw_input_contents();
         m.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1);
       },
       kInvalid, "elements"},
      {"output name", [](auto& m) { m.add_outputs()->set_name("z"); }, kInvalid, "output 'z'"},
      {"shared memory",
       [](auto& m) { (*m.mutable_inputs(0)->mutable_parameters())["shared_memory_region"].set_string_param("r"); },
       grpc::StatusCode::UNIMPLEMENTED, "shared_memory_region"},
      {"reserved parameter", [](auto& m) { (*m.mutable_parameters())["triton_secret"].set_bool_param(true); }, kInvalid,
       "triton_secret"},
      {"timeout", [](auto& m) { (*m.mutable_parameters())["timeout"].set_int64_param(-5); }, kInvalid, "timeout"},
      {"a name without end", [](auto& m) { m.mutable_inputs(0)->set_name(std::string(100'000, 'n')); }, kInvalid,
       "input 'nnn"},
  };
  for (const BadCase& c : cases) {
    inference::ModelInferRequest request = FloatRequest("scale", {1, 2}, {1, 2});
    c.spoil(request);
    inference::ModelInferResponse response;
    const grpc::Status status = Infer(stub(), request, &response);
    EXPECT_EQ(status.error_code(), c.code) << c.name << ": " << status.error_message();
    EXPECT_THAT(status.error_message(), HasSubstr(c.says)) << c.name;
    ExpectHealthy();
  }
}

TEST_F(ServerTest, AMessageAboveTheLimitIsRefused) {
  inference::ModelInferResponse response;
  const grpc::Status status =
      Infer(stub(), FloatRequest("scale", {1, 2}, std::vector<float>(kMaxReceiveBytes / 4 + 1)), &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  ExpectHealthy();
}

TEST_F(ServerTest, RubbishOnTheWireIsNoRequest) {
  for (const std::string& rubbish : {std::string("GET / HTTP/1.1\r\n\r\n"), std::string(10'000, '\xff'),
                                     std::string("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") + std::string(1000, '\0')}) {
    testing::SendRubbish(running_->server->grpc_port(), rubbish);
    ExpectHealthy();
  }
}

TEST_F(ServerTest, StatisticsAndMetricsCountTheSame) {
  inference::ModelStatisticsRequest request;
  request.set_name("bytes");
  inference::ModelStatisticsResponse before;
  ASSERT_TRUE(Call(&InferenceStub::ModelStatistics, request, &before).ok());
  ASSERT_EQ(before.model_stats_size(), 1);
  EXPECT_EQ(before.model_stats(0).inference_stats().success().count(), 0u);

  inference::ModelInferRequest infer;
  infer.set_model_name("bytes");
  auto& input = *infer.add_inputs();
  input.set_name("x");
  input.set_datatype("UINT8");
  input.add_shape(2);
  input.add_shape(3);
  infer.add_raw_input_contents("\x01\x02\x03\xfd\xfe\xff", 6);
  inference::ModelInferResponse response;
  ASSERT_TRUE(Infer(stub(), infer, &response).ok());
  EXPECT_EQ(response.raw_output_contents(0), infer.raw_input_contents(0));

  inference::ModelStatisticsResponse after;
  ASSERT_TRUE(Call(&InferenceStub::ModelStatistics, request, &after).ok());
  const inference::ModelStatistics& statistics = after.model_stats(0);
  EXPECT_EQ(statistics.name(), "bytes");
  EXPECT_EQ(statistics.version(), "1");
  EXPECT_EQ(statistics.inference_count(), 2u);
  EXPECT_EQ(statistics.execution_count(), 1u);
  EXPECT_EQ(statistics.inference_stats().success().count(), 1u);
  EXPECT_GT(statistics.inference_stats().success().ns(), 0u);
  EXPECT_GT(statistics.last_inference(), 0u);
  ASSERT_EQ(statistics.batch_stats_size(), 1);
  EXPECT_EQ(statistics.batch_stats(0).batch_size(), 2u);
  EXPECT_EQ(MetricValue(metrics_port(), R"(beak_requests_total{model="bytes",outcome="ok",version="1"})"), 1);
  EXPECT_EQ(MetricValue(metrics_port(), R"(beak_batch_rows_sum{model="bytes",version="1"})"), 2);
}

TEST_F(ServerTest, UnknownNamesMakeNoSeries) {
  inference::ModelInferResponse response;
  for (int i = 0; i < 20; ++i) {
    Infer(stub(), FloatRequest("made-up-" + std::to_string(i), {1, 2}, {1, 2}), &response);
  }
  EXPECT_THAT(testing::HttpGet(metrics_port(), "/metrics"), Not(HasSubstr("made-up")));
}

// Answers that change hands are the worst that could happen.
TEST_F(ServerTest, ManyClientsGetTheirOwnAnswers) {
  constexpr int kClients = 8, kRequests = 100;
  std::atomic<int> wrong{0};
  std::vector<std::thread> clients;
  for (int client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      const auto own_stub = inference::GRPCInferenceService::NewStub(Connect(running_->server->grpc_port()));
      for (int i = 0; i < kRequests; ++i) {
        const int rows = 1 + (client + i) % 5;
        std::vector<float> values(static_cast<size_t>(rows) * 2);
        for (size_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(client * 10'000 + i * 20) + k;
        inference::ModelInferResponse response;
        const grpc::Status status = Infer(*own_stub, FloatRequest("scale", {rows, 2}, values), &response);
        for (float& value : values) value *= 3;
        if (!status.ok() || Floats(response) != values) ++wrong;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
}

// ---------------------------------------------------------------- time

// Keeps all lanes busy for as long as it lives.
class Busy {
 public:
  explicit Busy(Running& running, int requests = 6) {
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

TEST_F(ServerTest, DeadlinesAreHonouredInTheQueue) {
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

TEST_F(ServerTest, ClientsThatGiveUpFreeTheirPlace) {
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

TEST_F(ServerTest, AClientThatVanishesWhileItWaitsIsCancelled) {
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

TEST_F(ServerTest, AClientThatVanishesInTheMiddleOfItsMessageHarmsNothing) {
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

// ---------------------------------------------------------------- start and end

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
  Running first(OneModel(dir));
  ServerConfig config = OneModel(dir);
  config.grpc_port = first.server->grpc_port();
  config.metrics_port = 0;
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
  config.grpc_port = config.metrics_port = 0;
  config.model_repository = dir / "none";
  EXPECT_THAT(Server::Create(config), StatusIs(absl::StatusCode::kNotFound, HasSubstr("model repository")));
  config.model_repository = dir.path();
  Running empty(config);
  inference::ServerReadyResponse ready;
  grpc::ClientContext context;
  EXPECT_TRUE(empty.stub->ServerReady(&context, inference::ServerReadyRequest(), &ready).ok());
  EXPECT_TRUE(ready.ready());
}

TEST(ServerLifeTest, WatchersHearOfTheEnd) {
  const TempDir dir;
  Running running(OneModel(dir));
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
  Running running(OneModel(dir));
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

TEST(ServerLifeTest, ShutdownWithoutPatienceCutsWhatRuns) {
  const TempDir dir;
  dir.Write("slow/1/model.onnx", testing::SlowNetwork(kSlowColumns, 4000));
  ServerConfig config;
  config.model_repository = dir.path();
  config.threads = 1;
  Running running(config);
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
