#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "server/server.h"
#include "tests/integration/running_server.h"
#include "tests/integration/serving.h"
#include "tests/server/support/networks.h"
#include "tests/support/temp_dir.h"

namespace beak::testing {

inline constexpr int64_t kMaxReceiveBytes = 1 << 20;
inline constexpr int kSlowColumns = 256;

// Models of all kinds, two of them broken.
inline void WriteRepository(const TempDir& dir) {
  constexpr int kUint8 = 2, kFloat16 = 10;  // ONNX's numbers
  dir.Write("scale/1/model.onnx", ScaleNetwork(2));
  dir.Write("scale/3/model.onnx", ScaleNetwork(3));
  dir.Write("scale/names.txt", "left\nright\n");
  dir.Write("scale/config.pbtxt", "version_policy { all {} } output { name: 'y' label_filename: 'names.txt' }");
  dir.Write("simple/1/model.onnx", SimpleNetwork());
  dir.Write("bytes/1/model.onnx", IdentityNetwork(kUint8, {-1, 3}));
  dir.Write("half/1/model.onnx", IdentityNetwork(kFloat16, {1, 3}));
  dir.Write("slow/1/model.onnx", SlowNetwork(kSlowColumns, 400));
  dir.Write("strict/1/model.onnx", ScaleNetwork(2));
  dir.Write("strict/config.pbtxt", "beak { refuse_oversized_requests: true }");
  dir.Write("broken/1/model.onnx", "no model");
  dir.Write("ensemble/1/model.onnx", "");
  dir.Write("ensemble/config.pbtxt", "ensemble_scheduling {}");
}

// One server for all tests of a suite.
class ServerFixture : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    dir_ = new TempDir();
    WriteRepository(*dir_);
    ServerConfig config;
    config.model_repository = dir_->path();
    config.max_receive_bytes = kMaxReceiveBytes;
    config.threads = 2;
    config.server_version = "1.2.3";
    running_ = new RunningServer(config);
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
    EXPECT_THAT(Floats(response), ::testing::ElementsAre(3, 30));
  }

  static inline TempDir* dir_ = nullptr;
  static inline RunningServer* running_ = nullptr;
};

}  // namespace beak::testing
