#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/server.h"
#include "tests/integration/process.h"
#include "tests/integration/serving.h"
#include "tests/support/eventually.h"
#include "tests/support/status_matchers.h"

namespace beak::testing {

// A server on ports of its own choice, and a client of it; there once everything has been loaded.
class RunningServer {
 public:
  // In this process.
  explicit RunningServer(ServerConfig config) {
    config.grpc_port = config.http_port = config.metrics_port = 0;
    config.on_loaded = [this](const Server&) { loaded_.set_value(); };
    auto started = Server::Create(config);
    EXPECT_OK(started);
    server = *std::move(started);
    loaded_.get_future().wait();
    ConnectTo(server->grpc_port(), server->metrics_port());
  }
  // The program that users start, with these flags; it must end well when this does.
  explicit RunningServer(std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--grpc-port=0", "--http-port=0", "--metrics-port=0", "--shutdown-grace-secs=0"});
    process_ = std::make_unique<Process>(std::move(flags));
    const std::string ready = process_->AwaitLine("beak-server ready");
    EXPECT_NE(ready, "") << process_->output;
    reader_ = std::thread([this] { process_->AwaitLine("\n\n"); });  // never comes: it must not wait for a full pipe
    ConnectTo(PortOf(ready, "grpc"), PortOf(ready, "metrics"));
  }
  ~RunningServer() {
    if (!process_) return;
    process_->Signal(SIGTERM);
    reader_.join();
    EXPECT_EQ(process_->Wait(), 0) << process_->output;
  }

  int grpc_port() const { return grpc_port_; }
  int metrics_port() const { return metrics_port_; }

  // A client with a connection of its own.
  std::unique_ptr<InferenceStub> NewStub() const {
    const std::shared_ptr<grpc::Channel> own = Connect(grpc_port_);
    // A first attempt that fails on a machine full of work is made again.
    EXPECT_TRUE(own->WaitForConnected(std::chrono::system_clock::now() + std::chrono::minutes(1)));
    return inference::GRPCInferenceService::NewStub(own);
  }
  // -1 where there is no such series.
  double Metric(const std::string& series) const { return MetricValue(metrics_port_, series); }
  // Of a model's version; 0 where there is no such series. `more` are labels in the order of their names, those before
  // `version`: `outcome="ok"`.
  double Count(const std::string& metric, const std::string& model, const std::string& more = "",
               int version = 1) const {
    const std::string labels = more.empty() ? "" : more + ",";
    return std::max(
        0.0, Metric(metric + "{model=\"" + model + "\"," + labels + "version=\"" + std::to_string(version) + "\"}"));
  }
  inference::ModelStatistics Statistics(const std::string& model) const {
    inference::ModelStatisticsRequest request;
    request.set_name(model);
    inference::ModelStatisticsResponse response;
    grpc::ClientContext context;
    const grpc::Status status = stub->ModelStatistics(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.model_stats_size() > 0 ? response.model_stats(0) : inference::ModelStatistics();
  }

 private:
  static int PortOf(const std::string& ready, const std::string& name) {
    const std::string address = Field(ready, name);
    return std::atoi(address.substr(address.find(':') + 1).c_str());
  }
  void ConnectTo(int grpc_port, int metrics_port) {
    grpc_port_ = grpc_port;
    metrics_port_ = metrics_port;
    channel = Connect(grpc_port);
    stub = inference::GRPCInferenceService::NewStub(channel);
  }

  std::promise<void> loaded_;
  std::unique_ptr<Process> process_;
  std::thread reader_;
  int grpc_port_ = 0;
  int metrics_port_ = 0;

 public:
  std::unique_ptr<Server> server;  // null where it is a process of its own
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<InferenceStub> stub;
};

}  // namespace beak::testing
