// Runs the example programs against servers of the test's own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <string>

#include "engine/base/file.h"
#include "tests/client/fake_server.h"
#include "tests/client/support/fake_train_server.h"
#include "tests/support/temp_dir.h"

namespace beak::client {
namespace {

using ::beak::testing::Update;

class ExamplesTest : public ::testing::Test {
 protected:
  // What the program says, and on its last line its exit status.
  std::string Run(const std::string& example, const std::string& arguments) {
    const char* folder = getenv("BEAK_BIN_DIR");
    const std::string command = std::string(folder != nullptr ? folder : "build/release/bin") +
                                "/../examples/beak_example_" + example + " " + arguments + " >" + (dir_ / "out") +
                                " 2>&1";
    const int status = system(command.c_str());
    return *ReadFile(dir_ / "out", 1 << 20) + std::to_string(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  }

  testing::TempDir dir_;
};

TEST_F(ExamplesTest, PredictAsksEveryModel) {
  testing::FakeServer server;
  server.repository_index = [](auto*, const auto&, auto* response) {
    response->add_models()->set_name("m");
    return grpc::Status::OK;
  };
  server.model_metadata = [](auto*, const auto&, auto* response) {
    response->add_inputs()->set_name("x");
    response->mutable_inputs(0)->set_datatype("FP32");
    response->mutable_inputs(0)->add_shape(-1);
    response->mutable_inputs(0)->add_shape(3);
    return grpc::Status::OK;
  };
  server.infer = [](auto*, const auto& request, auto* response) {
    EXPECT_EQ(request.raw_input_contents(0), std::string(12, '\0'));
    response->add_outputs()->set_name("y");
    response->mutable_outputs(0)->set_datatype("FP32");
    response->mutable_outputs(0)->add_shape(1);
    const float largest = 2.5f;
    response->add_raw_output_contents(&largest, sizeof(largest));
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run("predict", server.address()), "m: output y of 1 elements, the largest 2.5\n0");
}

TEST_F(ExamplesTest, TrainTellsHowItGoes) {
  testing::FakeTrainServer server;
  v1::TrainJob job;
  server.create = [&job](const v1::CreateTrainJobRequest& request) {
    job.set_id("j");
    *job.mutable_spec() = request.spec();
    return job;
  };
  server.watch = [&job](const v1::WatchTrainJobRequest& request, const auto& send) {
    EXPECT_EQ(request.id(), "j");
    send(Update(job));
    v1::EpochReport epoch;
    epoch.mutable_training()->set_loss(0.25);
    epoch.mutable_held_out()->set_accuracy(0.9375);
    send(Update(epoch));
    job.set_state(v1::TrainJob::SUCCEEDED);
    job.set_published_version(2);
    send(Update(job));
    return absl::OkStatus();
  };
  EXPECT_EQ(Run("train", server.address() + " a.idx b.idx"),
            "epoch 1: loss 0.2500, held-out accuracy 0.9375\npublished as version 2 of 'digits'\n0");
  EXPECT_EQ(job.spec().data().training().arrays().field(1).file(), "b.idx");
  EXPECT_EQ(job.spec().network().description().layer_size(), 3);
}

TEST_F(ExamplesTest, TrainSaysWhatIsWrong) {
  testing::FakeTrainServer server;
  server.create = [](const auto&) -> absl::StatusOr<v1::TrainJob> { return absl::FailedPreconditionError("no data"); };
  EXPECT_EQ(Run("train", server.address()), "FAILED_PRECONDITION: no data\n1");
}

}  // namespace
}  // namespace beak::client
