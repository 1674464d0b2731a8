// beak-server as users start it: flags, signals, exit codes, lines on stderr.

#include "tests/integration/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/grpc/health/v1/health.grpc.pb.h"
#include "tests/integration/serving.h"
#include "tests/server/http/http_client.h"
#include "tests/server/support/networks.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AllOf;
using testing::Connect;
using testing::Field;
using testing::FloatRequest;
using ::testing::HasSubstr;
using testing::Infer;
using testing::MetricValue;
using testing::Process;
using testing::TempDir;

class ProcessTest : public ::testing::Test {
 protected:
  ProcessTest() { dir_.Write("scale/1/model.onnx", testing::ScaleNetwork(2)); }

  std::vector<std::string> Arguments(std::vector<std::string> more = {}, const std::string& grace = "0") {
    more.insert(more.end(), {"--grpc-port=0", "--http-port=0", "--metrics-port=0", "--model-repository=" + dir_.path(),
                             "--shutdown-grace-secs=" + grace});
    return more;
  }

  const TempDir dir_;
};

TEST_F(ProcessTest, ServesUntilASignalAndFinishesWhatItHas) {
  for (const int signal : {SIGTERM, SIGINT}) {
    Process server(Arguments());
    const std::string ready = server.AwaitLine("beak-server ready");
    ASSERT_THAT(ready, AllOf(HasSubstr(" grpc=127.0.0.1:"), HasSubstr(" metrics=127.0.0.1:"))) << server.output;
    const std::string address = Field(ready, "grpc");

    std::atomic<int> answered{0}, failed{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&] {
        const auto stub = inference::GRPCInferenceService::NewStub(Connect(address));
        while (true) {
          inference::ModelInferResponse response;
          const grpc::Status status = Infer(*stub, FloatRequest("scale", {1, 2}, {1, 2}), &response);
          if (!status.ok()) {
            failed += status.error_code() != grpc::StatusCode::UNAVAILABLE;
            return;
          }
          ++answered;
        }
      });
    }
    while (answered < 20) std::this_thread::yield();
    server.Signal(signal);
    EXPECT_EQ(server.Wait(), 0) << server.output;
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(failed, 0) << "calls end with their answer or with UNAVAILABLE";
    EXPECT_THAT(server.output, HasSubstr("stopped"));
  }
}

TEST_F(ProcessTest, RequestsAreServedWhileTheEndIsAnnounced) {
  Process server(Arguments({}, "3600"));
  const std::string ready = server.AwaitLine("beak-server ready");
  ASSERT_NE(ready, "") << server.output;
  const auto channel = Connect(Field(ready, "grpc"));
  const auto health = grpc::health::v1::Health::NewStub(channel);
  grpc::ClientContext context;
  const auto watch = health->Watch(&context, grpc::health::v1::HealthCheckRequest());
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);

  server.Signal(SIGTERM);
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  const auto stub = inference::GRPCInferenceService::NewStub(channel);
  inference::ModelInferResponse answer;
  EXPECT_TRUE(Infer(*stub, FloatRequest("scale", {1, 2}, {1, 2}), &answer).ok()) << "in the grace period";

  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait(), 0) << "a second signal ends it: " << server.output;
}

TEST_F(ProcessTest, LimitsOfFlagsHold) {
  dir_.Write("later/1/model.onnx", testing::ScaleNetwork(3));
  Process server(Arguments({"--max-models=1", "--max-concurrent-streams=1", "--max-http-connections=1"}));
  const std::string ready = server.AwaitLine("beak-server ready");
  ASSERT_NE(ready, "") << server.output;
  EXPECT_THAT(server.output, HasSubstr("max-models"));

  const auto stub = inference::GRPCInferenceService::NewStub(Connect(Field(ready, "grpc")));
  grpc::ClientContext context;
  const auto stream = stub->ModelStreamInfer(&context);
  ASSERT_TRUE(stream->Write(FloatRequest("later", {1, 2}, {1, 2})));
  inference::ModelStreamInferResponse streamed;
  ASSERT_TRUE(stream->Read(&streamed));
  EXPECT_EQ(streamed.error_message(), "");
  inference::ModelInferResponse response;
  const grpc::Status second_call =
      Infer(*stub, FloatRequest("later", {1, 2}, {1, 2}), &response, std::chrono::milliseconds(100));
  EXPECT_EQ(second_call.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED) << "the stream is the one that may be open";
  stream->WritesDone();
  EXPECT_TRUE(stream->Finish().ok());

  const std::string address = Field(ready, "http");
  const int port = std::atoi(address.substr(address.find(':') + 1).c_str());
  testing::HttpClient first(port), second(port);
  const std::string get = "GET /v2/health/live HTTP/1.1\r\n\r\n";
  EXPECT_THAT(first.Exchange(get), HasSubstr("200 OK"));
  EXPECT_TRUE(second.AwaitClose());
}

TEST_F(ProcessTest, TheGracePeriodEndsByItself) {
  Process server(Arguments({}, "0.1"));
  ASSERT_NE(server.AwaitLine("beak-server ready"), "") << server.output;
  server.Signal(SIGINT);
  EXPECT_EQ(server.Wait(), 0) << server.output;
}

TEST_F(ProcessTest, TheDrainEndsAtItsBound) {
  constexpr int kColumns = 256, kRows = 4000;  // tens of seconds of one lane
  dir_.Write("slow/1/model.onnx", testing::SlowNetwork(kColumns, 4000));
  Process server(Arguments({"--threads=1", "--drain-timeout-secs=0.1"}));
  const std::string ready = server.AwaitLine("beak-server ready");
  ASSERT_NE(ready, "") << server.output;
  const auto stub = inference::GRPCInferenceService::NewStub(Connect(Field(ready, "grpc")));
  std::thread client([&] {
    inference::ModelInferResponse response;
    const auto request = FloatRequest("slow", {kRows, kColumns}, std::vector<float>(kRows * kColumns));
    const grpc::StatusCode code = Infer(*stub, request, &response, std::chrono::minutes(5)).error_code();
    EXPECT_TRUE(code == grpc::StatusCode::UNAVAILABLE || code == grpc::StatusCode::CANCELLED) << code;
  });
  const std::string metrics = Field(ready, "metrics");
  const int metrics_port = std::stoi(metrics.substr(metrics.find(':') + 1));
  while (MetricValue(metrics_port, "beak_lanes_busy") < 1) std::this_thread::yield();
  server.Signal(SIGTERM);
  const auto signalled = std::chrono::steady_clock::now();
  EXPECT_EQ(server.Wait(), 0) << server.output;
  EXPECT_LT(std::chrono::steady_clock::now() - signalled, std::chrono::seconds(10));
  client.join();
}

TEST_F(ProcessTest, AProcessThatIsKilledKeepsItsPinnedVersion) {
  dir_.Write("scale/2/model.onnx", testing::ScaleNetwork(3));
  const TempDir state;
  const std::vector<std::string> arguments =
      Arguments({"--model-control-mode=explicit", "--load-model=*", "--state-dir=" + state.path()});
  for (const bool first : {true, false}) {
    Process server(arguments);
    const std::string ready = server.AwaitLine("beak-server ready");
    ASSERT_NE(ready, "") << server.output;
    const auto stub = inference::GRPCInferenceService::NewStub(Connect(Field(ready, "grpc")));
    if (first) {
      inference::RepositoryModelLoadRequest pin;
      pin.set_model_name("scale");
      (*pin.mutable_parameters())["config"].set_string_param(R"({"version_policy":{"specific":{"versions":[1]}}})");
      inference::RepositoryModelLoadResponse loaded;
      grpc::ClientContext context;
      EXPECT_TRUE(stub->RepositoryModelLoad(&context, pin, &loaded).ok());
    }
    inference::ModelInferResponse answer;
    EXPECT_TRUE(Infer(*stub, FloatRequest("scale", {1, 2}, {1, 2}), &answer).ok());
    EXPECT_EQ(answer.model_version(), "1");
    server.Signal(SIGKILL);
    server.Wait();
  }
}

TEST_F(ProcessTest, AProcessThatIsKilledWhileItServesIsReplacedByTheNext) {
  for (int life = 0; life < 2; ++life) {
    Process server(Arguments());
    const std::string ready = server.AwaitLine("beak-server ready");
    ASSERT_NE(ready, "") << server.output;
    std::atomic<int> answered{0};
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
      clients.emplace_back([&] {
        const auto stub = inference::GRPCInferenceService::NewStub(Connect(Field(ready, "grpc")));
        grpc::Status status;
        while (status.ok()) {
          inference::ModelInferResponse response;
          status = Infer(*stub, FloatRequest("scale", {1, 2}, {1, 2}), &response);
          answered += status.ok();
        }
        EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
      });
    }
    while (answered < 100) std::this_thread::yield();
    server.Signal(SIGKILL);
    EXPECT_EQ(server.Wait(), -1);
    for (std::thread& client : clients) client.join();
  }
}

// Whether a load is noted as under way.
bool LoadIsUnderWay(const std::string& state_dir) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(state_dir + "/loads", error)) {
    std::ifstream file(entry.path());
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    if (entry.path().extension() == ".load" && text.ends_with("\n1\n")) return true;
  }
  return false;
}

// A model whose load takes an hour: each of its runs takes tens of milliseconds.
void WriteSlowToLoad(const TempDir& dir) {
  constexpr int kColumns = 256;
  dir.Write("slow/1/model.onnx", testing::SlowNetwork(kColumns, 4000));
  std::string config = "max_batch_size: 8\n";
  for (int i = 0; i < 10; ++i) {
    config += absl::StrCat(
        "model_warmup { name: 'w' batch_size: 8 count: 10000 inputs { key: 'x' value { data_type: TYPE_FP32 dims: ",
        kColumns, " zero_data: true } } }\n");
  }
  dir.Write("slow/config.pbtxt", config);
}

TEST_F(ProcessTest, ALoadThatIsUnderWayDoesNotDelayTheEnd) {
  WriteSlowToLoad(dir_);
  const TempDir state;
  Process server(Arguments({"--model-load-threads=1", "--state-dir=" + state.path()}));
  ASSERT_NE(server.AwaitLine("model ready model=scale"), "") << server.output;
  while (!LoadIsUnderWay(state.path())) std::this_thread::yield();
  server.Signal(SIGTERM);
  const auto signalled = std::chrono::steady_clock::now();
  EXPECT_EQ(server.Wait(), 0) << server.output;
  EXPECT_LT(std::chrono::steady_clock::now() - signalled, std::chrono::seconds(10));
  EXPECT_FALSE(LoadIsUnderWay(state.path())) << "nobody holds its end against it";
}

TEST_F(ProcessTest, AVersionThatIsBeingLoadedWhenTheProcessIsKilledTwiceIsQuarantined) {
  WriteSlowToLoad(dir_);
  const TempDir state;
  const std::vector<std::string> arguments = Arguments({"--model-load-threads=1", "--state-dir=" + state.path()});
  for (int death = 0; death < 2; ++death) {
    Process server(arguments);
    const std::string loading = server.AwaitLine("model ready model=scale");
    ASSERT_NE(loading, "") << server.output;
    while (!LoadIsUnderWay(state.path())) std::this_thread::yield();
    server.Signal(SIGKILL);
    EXPECT_EQ(server.Wait(), -1);
  }
  Process server(arguments);
  const std::string ready = server.AwaitLine("beak-server ready");
  ASSERT_NE(ready, "") << server.output;
  const auto stub = inference::GRPCInferenceService::NewStub(Connect(Field(ready, "grpc")));
  inference::RepositoryIndexResponse index;
  grpc::ClientContext context;
  ASSERT_TRUE(stub->RepositoryIndex(&context, inference::RepositoryIndexRequest(), &index).ok());
  ASSERT_EQ(index.models_size(), 2);
  EXPECT_EQ(index.models(1).name(), "slow");
  EXPECT_THAT(index.models(1).reason(), HasSubstr("quarantined: the process ended twice"));
  inference::ModelInferResponse answer;
  EXPECT_TRUE(Infer(*stub, FloatRequest("scale", {1, 2}, {1, 2}), &answer).ok()) << "the rest serves";
}

TEST_F(ProcessTest, LogsInJsonWhereAsked) {
  Process server(Arguments({"--log-format=json"}));
  ASSERT_NE(server.AwaitLine("beak-server ready"), "");
  EXPECT_THAT(server.output, HasSubstr(R"("event":"model ready","model":"scale")"));
  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait(), 0);
}

// The lines about requests of a trace that have this in them.
int LinesOfTrace(const std::string& log, const std::string& trace, const std::string& text) {
  std::istringstream lines(log);
  int count = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("\"trace\":\"" + trace + "\"") == std::string::npos) continue;
    EXPECT_THAT(line, AllOf(HasSubstr(R"("level":"debug","event":"request")"), HasSubstr(R"("seconds":)")));
    count += line.find(text) != std::string::npos;
  }
  return count;
}

TEST_F(ProcessTest, TheTraceOfARequestIsInTheLogWhateverBecomesOfIt) {
  dir_.Write("twice/1/unused", "");
  dir_.Write(
      "twice/config.pbtxt",
      "max_batch_size: 8 input { name: 'x' data_type: TYPE_FP32 dims: 2 } output { name: 'y' data_type: TYPE_FP32 "
      "dims: 2 } ensemble_scheduling { "
      "step { model_name: 'scale' input_map { key: 'x' value: 'x' } output_map { key: 'y' value: 'h' } } "
      "step { model_name: 'scale' input_map { key: 'x' value: 'h' } output_map { key: 'y' value: 'y' } } }");
  Process server(Arguments({"--log-level=debug", "--log-format=json"}));
  const std::string ready = server.AwaitLine("beak-server ready");
  ASSERT_NE(ready, "") << server.output;
  const auto stub = inference::GRPCInferenceService::NewStub(Connect(Field(ready, "grpc")));
  const auto ask = [&](const inference::ModelInferRequest& request, const std::string& trace) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    if (!trace.empty()) context.AddMetadata("traceparent", "00-" + trace + "-00f067aa0ba902b7-00");
    inference::ModelInferResponse response;
    return stub->ModelInfer(&context, request, &response).error_code();
  };
  const auto trace = [](int number) { return std::string(31, 'a') + std::to_string(number); };
  inference::ModelInferRequest late = FloatRequest("scale", {1, 2}, {1, 2});
  (*late.mutable_parameters())["timeout"].set_int64_param(1);
  EXPECT_EQ(ask(FloatRequest("scale", {1, 2}, {1, 2}), trace(1)), grpc::StatusCode::OK);
  EXPECT_EQ(ask(FloatRequest("scale", {1, 3}, {1, 2, 3}), trace(2)), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(ask(late, trace(3)), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(ask(FloatRequest("none", {1, 2}, {1, 2}), trace(4)), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(ask(FloatRequest("twice", {1, 2}, {1, 2}), trace(5)), grpc::StatusCode::OK);
  EXPECT_EQ(ask(FloatRequest("scale", {1, 2}, {1, 2}), ""), grpc::StatusCode::OK);
  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait(), 0);
  EXPECT_EQ(LinesOfTrace(server.output, trace(1), R"("model":"scale","version":"1","outcome":"OK")"), 1);
  EXPECT_EQ(LinesOfTrace(server.output, trace(2), R"("outcome":"INVALID_ARGUMENT")"), 1);
  EXPECT_EQ(LinesOfTrace(server.output, trace(3), R"("outcome":"DEADLINE_EXCEEDED")"), 1);
  EXPECT_EQ(LinesOfTrace(server.output, trace(4), R"("model":"none","version":"","outcome":"NOT_FOUND")"), 1);
  EXPECT_EQ(LinesOfTrace(server.output, trace(5), R"("model":"twice")"), 1);
  EXPECT_EQ(LinesOfTrace(server.output, trace(5), R"("model":"scale")"), 2) << "its steps";
  int requests = 0;
  for (size_t at = 0; (at = server.output.find(R"("event":"request")", at)) != std::string::npos; ++at) ++requests;
  EXPECT_EQ(requests, 7) << "no line about a request without a trace";
}

TEST_F(ProcessTest, SingleFilesAreServedUnderTheirNames) {
  const std::string file = dir_ / "scale/1/model.onnx";
  Process server({"--grpc-port=0", "--http-port=0", "--metrics-port=0", "--shutdown-grace-secs=0",
                  "--model=mine=" + file, "--model=" + file});
  const std::string ready = server.AwaitLine("beak-server ready");
  ASSERT_NE(ready, "") << server.output;
  const auto stub = inference::GRPCInferenceService::NewStub(Connect(Field(ready, "grpc")));
  for (const char* model : {"mine", "model"}) {
    inference::ModelInferResponse response;
    EXPECT_TRUE(Infer(*stub, FloatRequest(model, {1, 2}, {1, 2}), &response).ok()) << model;
  }
  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait(), 0);
}

struct FailureCase {
  const char* name;
  std::vector<std::string> arguments;
  int code;
  std::string says;
};

TEST_F(ProcessTest, WhatIsWrongAtStartIsSaid) {
  Process first(Arguments());
  const std::string ready = first.AwaitLine("beak-server ready");
  ASSERT_NE(ready, "") << first.output;
  const std::string port = Field(ready, "grpc").substr(std::string("127.0.0.1:").size());
  const std::string repository = "--model-repository=" + dir_.path();
  const TempDir state;
  const std::vector<FailureCase> cases = {
      {"nothing to serve", {}, 2, "--model"},
      {"unknown flag", {"--nosuch"}, 2, "nosuch"},
      {"no number", {"--grpc-port=x", repository}, 2, "--grpc-port"},
      {"no port", {"--grpc-port=70000", repository}, 2, "--grpc-port"},
      {"control mode", {"--model-control-mode=sometimes", repository}, 2, "--model-control-mode"},
      {"load without the mode for it", {"--load-model=scale", repository}, 2, "--load-model"},
      {"load of nothing",
       {"--model-control-mode=explicit", "--load-model=none", "--grpc-port=0", "--http-port=0", "--metrics-port=0",
        repository},
       1,
       "'none'"},
      {"log format", {"--log-format=xml", repository}, 2, "--log-format"},
      {"data without a state folder", {"--data-dir=" + dir_.path(), repository}, 2, "--state-dir"},
      {"train jobs without data", {"--train-jobs=2", repository}, 2, "--data-dir"},
      {"no trainer",
       {"--grpc-port=0", "--http-port=0", "--metrics-port=0", "--data-dir=" + dir_.path(),
        "--state-dir=" + state.path(), "--train-program=" + (dir_ / "none"), repository},
       1,
       "train program: expected an executable file, got '" + (dir_ / "none")},
      {"port in use",
       {"--grpc-port=" + port, "--http-port=0", "--metrics-port=0", repository},
       1,
       "cannot listen on 127.0.0.1:" + port},
      {"no such host",
       {"--host=256.1.1.1", "--allow-insecure", "--grpc-port=0", "--http-port=0", "--metrics-port=0", repository},
       1,
       "256.1.1.1"},
      {"repository",
       {"--grpc-port=0", "--http-port=0", "--metrics-port=0", "--model-repository=" + (dir_ / "none")},
       1,
       dir_ / "none"},
      {"file",
       {"--grpc-port=0", "--http-port=0", "--metrics-port=0", "--model=" + (dir_ / "none.onnx")},
       1,
       dir_ / "none.onnx"},
  };
  for (const FailureCase& c : cases) {
    Process server(c.arguments);
    EXPECT_EQ(server.Wait(), c.code) << c.name << ": " << server.output;
    EXPECT_THAT(server.output, HasSubstr(c.says)) << c.name;
  }
  first.Signal(SIGTERM);
  EXPECT_EQ(first.Wait(), 0);
}

}  // namespace
}  // namespace beak
