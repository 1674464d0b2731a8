#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "server/server.h"
#include "tests/integration/serving.h"
#include "tests/support/eventually.h"
#include "tests/support/status_matchers.h"

namespace beak::testing {

// A server in this process on ports of its own choice, and a client of it; there once everything has been loaded.
class RunningServer {
 public:
  explicit RunningServer(ServerConfig config) {
    config.grpc_port = config.http_port = config.metrics_port = 0;
    config.on_loaded = [this](const Server&) { loaded_.set_value(); };
    auto started = Server::Create(config);
    EXPECT_OK(started);
    server = *std::move(started);
    loaded_.get_future().wait();
    channel = Connect(server->grpc_port());
    stub = inference::GRPCInferenceService::NewStub(channel);
  }

  // A client with a connection of its own.
  std::unique_ptr<InferenceStub> NewStub() const {
    const std::shared_ptr<grpc::Channel> own = Connect(server->grpc_port());
    // A first attempt that fails on a machine full of work is made again.
    EXPECT_TRUE(own->WaitForConnected(std::chrono::system_clock::now() + std::chrono::minutes(1)));
    return inference::GRPCInferenceService::NewStub(own);
  }
  // -1 where there is no such series.
  double Metric(const std::string& series) const { return MetricValue(server->metrics_port(), series); }
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
  std::promise<void> loaded_;

 public:
  std::unique_ptr<Server> server;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<InferenceStub> stub;
};

}  // namespace beak::testing
