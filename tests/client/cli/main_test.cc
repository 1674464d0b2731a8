// Runs the program itself: exit status, and what goes to stdout and stderr.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <atomic>
#include <mutex>
#include <string>

#include "engine/base/file.h"
#include "nlohmann/json.hpp"
#include "proto/inference/model_config.pb.h"
#include "tests/client/fake_server.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

struct Result {
  int exit_status = -1;
  std::string out;
  std::string err;
};

class MainTest : public ::testing::Test {
 protected:
  // `before`: what the shell is to do first.
  Result Run(const std::string& arguments, const std::string& before = "") {
    const char* folder = getenv("BEAK_BIN_DIR");
    const std::string command = before + std::string(folder != nullptr ? folder : "build/release/bin") + "/beak " +
                                arguments + " >" + (dir_ / "out") + " 2>" + (dir_ / "err");
    const int status = system(command.c_str());
    EXPECT_TRUE(WIFEXITED(status)) << command;
    return {WEXITSTATUS(status), *ReadFile(dir_ / "out", 1 << 20), *ReadFile(dir_ / "err", 1 << 20)};
  }

  std::string Server() const { return " --server=" + server_.address(); }

  testing::FakeServer server_;
  testing::TempDir dir_;
};

TEST_F(MainTest, HelpGoesToStdout) {
  for (const char* command : {"--help", "predict --help", "model --help", "model list --help", "model rollback --help",
                              "health --help", "bench --help", "token --help"}) {
    const Result result = Run(command);
    EXPECT_EQ(result.exit_status, 0) << command;
    EXPECT_THAT(result.out, HasSubstr("Usage:")) << command;
    EXPECT_THAT(result.err, IsEmpty()) << command;
  }
}

TEST_F(MainTest, UsageErrorsAreTwo) {
  for (const char* command : {"",
                              "nonsense",
                              "predict",
                              "predict m",
                              "predict m --image",
                              "predict m --input=x",
                              "predict m --image=a --top=-1",
                              "predict m --image=a --deadline-ms=0",
                              "model",
                              "model config",
                              "model list extra",
                              "model load",
                              "model unload",
                              "model rollback m",
                              "model rollback m --version=0",
                              "health --service",
                              "health --bogus",
                              "health --tls-cert=x --tls-key=y",
                              "health --tls-ca=x --tls-cert=y",
                              "health --tls-ca=x --tls-key=y",
                              "token",
                              "token ada",
                              "token ada root",
                              "token 'two words' predict",
                              "bench m",
                              "bench m --rate=1 --concurrency=1",
                              "bench m --concurrency=0",
                              "bench m --rate=1 --duration=5",
                              "bench m --rate=1 --arrival=never",
                              "bench m --concurrency=1 --shape=x=a"}) {
    const Result result = Run(command);
    EXPECT_EQ(result.exit_status, 2) << command;
    EXPECT_THAT(result.out, IsEmpty()) << command;
    EXPECT_THAT(result.err, HasSubstr("--help")) << command;
  }
}

TEST_F(MainTest, FailuresAreOne) {
  const Result result = Run("model list --server=127.0.0.1:1 --deadline-ms=50");
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(result.err, StartsWith("beak: UNAVAILABLE: server '127.0.0.1:1'"));
}

TEST_F(MainTest, HealthIsTheExitStatus) {
  server_.health = [](auto*, const auto& request, auto* response) {
    using Response = grpc::health::v1::HealthCheckResponse;
    response->set_status(request.service().empty() ? Response::SERVING : Response::NOT_SERVING);
    return grpc::Status::OK;
  };
  Result result = Run("health" + Server());
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(result.out, "SERVING\n");
  result = Run("health --service=m --json" + Server());
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(nlohmann::json::parse(result.out)["status"], "NOT_SERVING");
}

TEST_F(MainTest, ListsModels) {
  server_.repository_index = [](auto*, const auto&, auto* response) {
    response->add_models()->set_name("m");
    return grpc::Status::OK;
  };
  EXPECT_THAT(Run("model list" + Server()).out, StartsWith("MODEL"));
  EXPECT_EQ(nlohmann::json::parse(Run("model list --json" + Server()).out)[0]["name"], "m");
}

TEST_F(MainTest, ShowsConfigurations) {
  server_.model_config = [](auto*, const auto& request, auto* response) {
    response->mutable_config()->set_name(request.name() + "/" + request.version());
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run("model config m --version=2" + Server()).out, "name: \"m/2\"\n");
  EXPECT_EQ(nlohmann::json::parse(Run("model config m --json" + Server()).out)["name"], "m/");
}

TEST_F(MainTest, LoadsUnloadsAndRollsBack) {
  inference::RepositoryModelLoadRequest seen;
  server_.load = [&seen](auto*, const auto& request, auto*) { return seen = request, grpc::Status::OK; };
  server_.unload = [](auto*, const auto&, auto*) { return grpc::Status(grpc::StatusCode::NOT_FOUND, "not there"); };
  EXPECT_EQ(Run("model load m" + Server()).out, "m: loaded\n");
  EXPECT_EQ(seen.model_name(), "m");
  EXPECT_TRUE(seen.parameters().empty()) << "which unpins it";
  Result result = Run("model rollback m --version=3 --json" + Server());
  EXPECT_EQ(nlohmann::json::parse(result.out)["version"], "3");
  const auto config = nlohmann::json::parse(seen.parameters().at("config").string_param());
  EXPECT_EQ(config["version_policy"]["specific"]["versions"], nlohmann::json::array({3}));
  result = Run("model unload m" + Server());
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(result.err, "beak: NOT_FOUND: not there\n");
}

TEST_F(MainTest, ShowsStatistics) {
  server_.model_statistics = [](auto*, const auto& request, auto* response) {
    response->add_model_stats()->set_name(request.name().empty() ? "all" : request.name());
    return grpc::Status::OK;
  };
  EXPECT_THAT(Run("model stats" + Server()).out, HasSubstr("\nall "));
  EXPECT_EQ(nlohmann::json::parse(Run("model stats m --json" + Server()).out)[0]["name"], "m");
}

// A model that takes two floats a row.
void ServeBench(testing::FakeServer& server) {
  server.model_metadata = [](auto*, const auto&, auto* response) {
    auto& input = *response->add_inputs();
    input.set_name("x");
    input.set_datatype("FP32");
    input.add_shape(-1);
    input.add_shape(2);
    return grpc::Status::OK;
  };
  server.model_config = [](auto*, const auto&, auto* response) {
    response->mutable_config()->set_max_batch_size(8);
    return grpc::Status::OK;
  };
}

TEST_F(MainTest, BenchSendsWhatTheModelWants) {
  ServeBench(server_);
  inference::ModelInferRequest seen;
  server_.infer = [&seen](auto*, const auto& request, auto*) {
    static std::mutex mutex;
    const std::lock_guard<std::mutex> lock(mutex);
    seen = request;
    return grpc::Status::OK;
  };
  const Result result = Run("bench m --rate=500 --rows=3 --priority=2 --duration=100ms --warm-up=0s --json" + Server());
  EXPECT_EQ(result.exit_status, 0) << result.err;
  const nlohmann::json json = nlohmann::json::parse(result.out);
  EXPECT_GT(json["ok"], 10);
  EXPECT_EQ(json["failed"], 0);
  EXPECT_EQ(json["rows"], 3);
  EXPECT_EQ(seen.model_name(), "m");
  EXPECT_EQ(seen.inputs(0).shape(0), 3);
  EXPECT_EQ(seen.raw_input_contents(0).size(), 24u);
  EXPECT_EQ(seen.parameters().at("priority").uint64_param(), 2u);
}

TEST_F(MainTest, BenchFailsWhereNothingCanWork) {
  ServeBench(server_);
  server_.infer = [](auto*, const auto&, auto*) { return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "not so"); };
  const Result result = Run("bench m --concurrency=2" + Server());
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_EQ(result.err, "beak: INVALID_ARGUMENT: not so\n");
}

TEST_F(MainTest, BenchReportsErrorsThatMayPass) {
  ServeBench(server_);
  server_.infer = [](auto*, const auto&, auto*) { return grpc::Status(grpc::StatusCode::UNAVAILABLE, "full"); };
  const Result result = Run("bench m --concurrency=2 --duration=50ms --warm-up=0s" + Server());
  EXPECT_EQ(result.exit_status, 1) << "no request succeeded";
  EXPECT_THAT(result.out, HasSubstr("UNAVAILABLE"));
}

TEST_F(MainTest, BenchStopsAtASignalWithTheFiguresSoFar) {
  ServeBench(server_);
  const std::string pid_file = dir_ / "pid";
  std::atomic<int> calls = 0;
  server_.infer = [&](auto*, const auto&, auto*) {
    if (++calls == 20) kill(std::stoi(*ReadFile(pid_file, 100)), SIGINT);
    return grpc::Status::OK;
  };
  const Result result =
      Run("bench m --concurrency=1 --duration=1h --warm-up=0s" + Server(), "echo $$ >" + pid_file + "; exec ");
  EXPECT_THAT(result.out, HasSubstr("(interrupted)"));
  EXPECT_EQ(result.exit_status, 0);
}

TEST_F(MainTest, ATokenGoesToStdoutAndItsLineElsewhere) {
  const Result first = Run("token ada predict train");
  EXPECT_EQ(first.exit_status, 0);
  EXPECT_THAT(first.out, ::testing::MatchesRegex("[-_A-Za-z0-9]{43}\n"));
  EXPECT_THAT(first.err, ::testing::ContainsRegex("ada predict,train [0-9a-f]{64}\n$"));
  const Result second = Run("token bob admin --append=" + (dir_ / "tokens"));
  EXPECT_EQ(second.exit_status, 0);
  EXPECT_THAT(second.err, IsEmpty());
  EXPECT_NE(second.out, first.out);
  Run("token eve metrics --append=" + (dir_ / "tokens"));
  EXPECT_THAT(*ReadFile(dir_ / "tokens", 1 << 20),
              ::testing::MatchesRegex("bob admin [0-9a-f]{64}\neve metrics [0-9a-f]{64}\n"));
  EXPECT_EQ(Run("token ada predict --append=" + (dir_ / "no/such")).exit_status, 1);
}

TEST_F(MainTest, FilesOfTlsAndTokensThatCannotBeReadAreTold) {
  const std::string empty = dir_.Write("empty", " \n");
  const std::pair<std::string, std::string> cases[] = {
      {" --tls-ca=" + (dir_ / "nosuch"), "nosuch"},
      {" --token-file=" + (dir_ / "nosuch"), "nosuch"},
      {" --token-file=" + empty, "expected a token, got nothing"},
      {" --token-file=" + dir_.Write("words", "two words"), "visible ASCII"},
  };
  for (const char* command : {"health", "model list", "train list", "bench m --concurrency=1"}) {
    for (const auto& [flags, says] : cases) {
      const Result result = Run(command + Server() + flags);
      EXPECT_EQ(result.exit_status, 1) << command << flags;
      EXPECT_THAT(result.err, HasSubstr(says)) << command << flags;
    }
  }
  EXPECT_EQ(Run("health" + Server(), "BEAK_TOKEN='two words' ").exit_status, 1) << "of the environment";
}

}  // namespace
}  // namespace beak::cli
