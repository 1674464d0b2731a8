#pragma once

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "proto/inference/open_inference.grpc.pb.h"

// What the tests of whole servers share: a client that is nothing but the generated stub.
namespace beak::testing {

using InferenceStub = inference::GRPCInferenceService::Stub;

std::shared_ptr<grpc::Channel> Connect(const std::string& address);
std::shared_ptr<grpc::Channel> Connect(int port);

// A request for `model` with one float32 input "x" of this shape, raw.
inference::ModelInferRequest FloatRequest(const std::string& model, const std::vector<int64_t>& shape,
                                          const std::vector<float>& values);

// One call; `timeout` is its deadline.
grpc::Status Infer(InferenceStub& stub, const inference::ModelInferRequest& request,
                   inference::ModelInferResponse* response,
                   std::chrono::milliseconds timeout = std::chrono::minutes(1));

// The elements of a raw output.
std::vector<float> Floats(const inference::ModelInferResponse& response, int output = 0);

// The body of an HTTP GET, or "" where nobody answers.
std::string HttpGet(int port, const std::string& path);

// Opens a connection, sends these bytes and closes it.
void SendRubbish(int port, const std::string& rubbish);

// The value of a series, named with its labels as /metrics writes them; -1 where there is none.
double MetricValue(int metrics_port, const std::string& series);

// A wire between a client and a server on this machine that can be cut, as when a machine or a network dies.
class Wire {
 public:
  // Carries one connection to `server_port`; of what the client sends, no more than `limit` bytes.
  explicit Wire(int server_port, size_t limit = SIZE_MAX);
  ~Wire();

  int port() const { return port_; }
  // Returns when the limit has been reached.
  void AwaitLimit();
  // Both ends find the connection reset.
  void Cut();

 private:
  void Carry();
  void Copy(int from, int to, size_t limit);

  const int server_port_;
  const size_t limit_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> client_{-1};
  std::atomic<int> server_{-1};
  std::promise<void> limit_reached_;
  std::thread thread_;
};

}  // namespace beak::testing
