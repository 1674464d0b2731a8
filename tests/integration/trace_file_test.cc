// What --trace-file says about requests.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/async_call.h"
#include "tests/integration/running_server.h"
#include "tests/integration/serving.h"
#include "tests/server/support/networks.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using nlohmann::json;
using testing::AsyncCall;
using testing::FloatRequest;
using testing::Infer;
using testing::RunningServer;

constexpr int kColumns = 256;

// A request as the trace shows it; times are microseconds, below 0 where there is none.
struct TracedRequest {
  json args;
  double begin = -1, end = -1, queue_begin = -1, queue_end = -1, run_begin = -1;
};

// An execution: the row of its lane, and the events within it by name.
struct TracedBatch {
  json args;
  int row = 0;
  double begin = 0, end = 0, run_begin = -1;
};

struct Trace {
  std::map<std::string, TracedRequest> requests;  // by id
  std::map<int64_t, TracedBatch> batches;         // by number
  std::map<int, std::string> rows;                // their names
};

Trace ReadTrace(const std::string& path) {
  std::ifstream file(path);
  const json events = json::parse(file, nullptr, /*allow_exceptions=*/false);
  EXPECT_TRUE(events.is_array()) << "JSON";
  Trace trace;
  TracedBatch* batch = nullptr;  // the events of one stand together
  for (const json& event : events) {
    const std::string phase = event["ph"], name = event["name"];
    if (name == "thread_name") trace.rows[event["tid"]] = event["args"]["name"];
    if (phase == "X") {
      const double begin = event["ts"];
      if (event["args"].contains("batch")) {
        batch = &trace.batches[event["args"]["batch"]];
        *batch = {event["args"], event["tid"], begin, begin + event["dur"].get<double>(), -1};
      } else if (name == "run") {
        EXPECT_EQ(event["tid"], batch->row);
        batch->run_begin = begin;
      }
    }
    if (phase != "b" && phase != "e") continue;
    TracedRequest& request = trace.requests[event["id"]];
    const double time = event["ts"];
    if (name == "request" && phase == "b") request.args = event["args"];
    if (name == "request") (phase == "b" ? request.begin : request.end) = time;
    if (name == "queue") (phase == "b" ? request.queue_begin : request.queue_end) = time;
    if (name == "run" && phase == "b") request.run_begin = time;
  }
  return trace;
}

class TraceFileTest : public ::testing::Test {
 protected:
  void Start(double rate, int lanes = 1) {
    dir_.Write("repository/slow/1/model.onnx", testing::SlowNetwork(kColumns, 400));
    dir_.Write("repository/slow/config.pbtxt", "max_batch_size: 4");
    ServerConfig config;
    config.model_repository = dir_ / "repository";
    config.threads = lanes;
    config.trace_file = dir_ / "trace.json";
    config.trace_rate = rate;
    running_ = std::make_unique<RunningServer>(config);
  }
  // Ends the server, which completes the file.
  Trace End() {
    running_.reset();
    return ReadTrace(dir_ / "trace.json");
  }
  static inference::ModelInferRequest Slow() {
    return FloatRequest("slow", {1, kColumns}, std::vector<float>(kColumns));
  }

  const testing::TempDir dir_;
  std::unique_ptr<RunningServer> running_;
};

TEST_F(TraceFileTest, ShowsQueueRunAndLane) {
  Start(1, 2);
  constexpr int kRequests = 30;
  std::vector<std::unique_ptr<AsyncCall>> calls;
  for (int i = 0; i < kRequests; ++i) {
    inference::ModelInferRequest request = Slow();
    request.set_id("call " + std::to_string(i));
    calls.push_back(std::make_unique<AsyncCall>(*running_->stub, request));
  }
  for (const auto& call : calls) EXPECT_TRUE(call->Await().ok());
  calls.clear();
  const Trace trace = End();
  ASSERT_EQ(trace.requests.size(), kRequests);
  std::map<int64_t, int64_t> in_batch;
  for (const auto& [id, request] : trace.requests) {
    EXPECT_EQ(request.args["model"], "slow");
    EXPECT_EQ(request.args["outcome"], "ok");
    EXPECT_EQ(request.args["id"].get<std::string>().substr(0, 5), "call ");
    EXPECT_LE(request.begin, request.queue_end);
    EXPECT_LE(request.queue_end, request.run_begin);
    EXPECT_LT(request.run_begin, request.end);
    const auto batch = trace.batches.find(request.args["batch"]);
    ASSERT_NE(batch, trace.batches.end());
    EXPECT_NEAR(batch->second.run_begin, request.run_begin, 0.01);
    ++in_batch[batch->first];
  }
  for (const auto& [number, batch] : trace.batches) {
    EXPECT_EQ(batch.args["requests"], in_batch[number]);
    EXPECT_EQ(trace.rows.at(batch.row).substr(0, 5), "lane ");
    EXPECT_LE(batch.begin, batch.run_begin);
    EXPECT_LE(batch.run_begin, batch.end);
  }
  EXPECT_LT(trace.batches.size(), kRequests) << "without batches nothing has been tested";
}

TEST_F(TraceFileTest, WhoeverIsTracedElsewhereIsTracedHere) {
  Start(0);
  const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736";
  inference::ModelInferResponse response;
  EXPECT_TRUE(Infer(*running_->stub, Slow(), &response).ok());
  for (const char* flags : {"00", "01"}) {
    grpc::ClientContext context;
    context.AddMetadata("traceparent", "00-" + id + "-00f067aa0ba902b7-" + flags);
    EXPECT_TRUE(running_->stub->ModelInfer(&context, Slow(), &response).ok());
  }
  const Trace trace = End();
  ASSERT_EQ(trace.requests.size(), 1u) << "one of the three says that it is sampled";
  EXPECT_EQ(trace.requests.begin()->second.args["trace_id"], id);
}

// Does its best to have a request run after its deadline, and believes the trace rather than the counter.
TEST_F(TraceFileTest, NoRunBeginsAfterTheDeadline) {
  Start(1);
  constexpr int kClients = 8, kRequests = 60;
  const double cost = running_->Metric(R"(beak_batch_cost_seconds{model="slow",rows="1",threads="1",version="1"})");
  ASSERT_GT(cost, 0);
  std::atomic<int> answered{0};
  std::vector<std::thread> clients;
  for (uint32_t client = 0; client < kClients; ++client) {
    clients.emplace_back([&, client] {
      const auto stub = running_->NewStub();
      std::mt19937 random(client);
      // From what a run takes to what all clients' requests take one after the other.
      std::uniform_real_distribution<double> deadline(cost * 1e6, cost * 1e6 * kClients);
      for (int i = 0; i < kRequests; ++i) {
        inference::ModelInferRequest request = Slow();
        const auto microseconds = static_cast<int64_t>(deadline(random));
        (*request.mutable_parameters())["timeout"].set_int64_param(microseconds);
        if (client % 4 != 0) {
          inference::ModelInferResponse response;
          if (Infer(*stub, request, &response).ok()) ++answered;
          continue;
        }
        // Cancels about when the deadline comes.
        AsyncCall call(*stub, request);
        const auto then = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
        while (std::chrono::steady_clock::now() < then) std::this_thread::yield();
        call.context().TryCancel();
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(running_->Metric("beak_executed_late_total"), 0);
  const Trace trace = End();
  EXPECT_LE(trace.requests.size(), kClients * kRequests) << "some are turned down before they are traced";
  EXPECT_GT(answered, 20);
  int ran = 0;
  std::map<std::string, int> outcomes;
  for (const auto& [id, request] : trace.requests) {
    ++outcomes[request.args["outcome"]];
    if (request.run_begin < 0) continue;
    ++ran;
    const double deadline = request.end + request.args["slack_at_answer_us"].get<double>();
    EXPECT_LT(request.run_begin, deadline) << request.args;
    // A run that was stopped, for nobody waited any more, has no event on its lane.
    const auto batch = trace.batches.find(request.args["batch"]);
    if (batch != trace.batches.end()) {
      EXPECT_LT(batch->second.run_begin, deadline) << request.args;
    }
  }
  EXPECT_GT(ran, 20);
  EXPECT_GT(outcomes["deadline_exceeded"], 20) << "without misses nothing has been tested";
}

}  // namespace
}  // namespace beak
