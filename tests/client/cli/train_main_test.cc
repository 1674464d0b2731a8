// Runs `beak train` against a server of the test's own: exit status, and what goes to stdout and stderr.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <string>
#include <vector>

#include "engine/base/file.h"
#include "nlohmann/json.hpp"
#include "tests/client/support/fake_train_server.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::cli {
namespace {

using ::beak::testing::Update;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

struct Result {
  int exit_status = -1;
  std::string out;
  std::string err;
};

v1::TrainJob Job(v1::TrainJob::State state) {
  v1::TrainJob job;
  job.set_id("0193");
  job.set_state(state);
  job.mutable_spec()->set_model("mnist");
  return job;
}

v1::TrainJob DoneJob() {
  v1::TrainJob job = Job(v1::TrainJob::SUCCEEDED);
  job.set_published_version(2);
  for (int i = 0; i < 3; ++i) {
    v1::EpochReport& epoch = *job.add_epoch();
    epoch.set_epoch(i);
    epoch.mutable_held_out()->set_loss(1.0 / (i + 1));
  }
  return job;
}

class TrainMainTest : public ::testing::Test {
 protected:
  TrainMainTest() {
    EXPECT_OK(WriteFileAtomically(dir_ / "net.textproto", "name: \"net\""));
    EXPECT_OK(WriteFileAtomically(file_, "model: \"mnist\" network { description_file: \"net.textproto\" }"));
    server_.create = [this](const v1::CreateTrainJobRequest& request) {
      created_.push_back(request);
      return Job(v1::TrainJob::QUEUED);
    };
  }

  std::string Program() const {
    const char* folder = getenv("BEAK_BIN_DIR");
    return std::string(folder != nullptr ? folder : "build/release/bin") + "/beak";
  }
  Result Run(const std::string& arguments, const std::string& before = "") {
    const std::string command = before + Program() + " train " + arguments + " --server=" + server_.address() + " >" +
                                (dir_ / "out") + " 2>" + (dir_ / "err");
    const int status = system(command.c_str());
    EXPECT_TRUE(WIFEXITED(status)) << command;
    return {WEXITSTATUS(status), *ReadFile(dir_ / "out", 1 << 20), *ReadFile(dir_ / "err", 1 << 20)};
  }

  testing::TempDir dir_;
  const std::string file_ = dir_ / "job.textproto";
  std::vector<v1::CreateTrainJobRequest> created_;
  testing::FakeTrainServer server_;
};

TEST_F(TrainMainTest, SubmitSendsTheJobWithItsNetwork) {
  const Result result = Run("submit " + file_);
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(result.out, "0193\n") << "what a script needs to go on";
  ASSERT_EQ(created_.size(), 1u);
  EXPECT_EQ(created_[0].spec().network().description().name(), "net");
  EXPECT_FALSE(created_[0].validate_only());
  Run("submit " + file_ + " --request-id=mine");
  EXPECT_EQ(created_[1].request_id(), "mine");
  EXPECT_EQ(nlohmann::json::parse(Run("submit --json " + file_).out)["state"], "QUEUED");
}

TEST_F(TrainMainTest, SubmitChecksAlone) {
  EXPECT_EQ(Run("submit --validate-only " + file_).out, file_ + ": nothing is wrong\n");
  EXPECT_TRUE(created_[0].validate_only());
  server_.create = [](const auto&) -> absl::StatusOr<v1::TrainJob> {
    return absl::InvalidArgumentError("data: expected a source\ntraining.epochs: expected at least 1, got 0");
  };
  const Result result = Run("submit --validate-only " + file_);
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_EQ(result.err,
            "beak: INVALID_ARGUMENT: data: expected a source\ntraining.epochs: expected at least 1, got 0\n");
}

TEST_F(TrainMainTest, SubmitSaysWhereAJobFileIsWrong) {
  ASSERT_OK(WriteFileAtomically(file_, "model: \"m\"\nnonsense: 3"));
  const Result result = Run("submit " + file_);
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, StartsWith("beak: INVALID_ARGUMENT: " + file_ + ":2:"));
  EXPECT_TRUE(created_.empty());
}

TEST_F(TrainMainTest, SubmitWatchesUntilTheEnd) {
  server_.watch = [](const auto& request, const auto& send) {
    EXPECT_EQ(request.id(), "0193");
    send(Update(Job(v1::TrainJob::RUNNING)));
    v1::TrainProgress progress;
    progress.set_phase(v1::TrainProgress::TRAINING);
    send(Update(progress));
    send(Update(DoneJob()));
    return absl::OkStatus();
  };
  const Result result = Run("submit --watch " + file_);
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(result.out,
            "epoch      loss  accuracy  held out  accuracy       rate  samples/s   seconds\n"
            "    1         -         -    1.0000         -          0          0       0.0\n"
            "    2         -         -    0.5000         -          0          0       0.0\n"
            "    3         -         -    0.3333         -          0          0       0.0\n"
            "published as version 2 of 'mnist'\n");
  EXPECT_EQ(result.err, "job 0193\nrunning\ntraining\n");
  EXPECT_EQ((result.out + result.err).find_first_of("\r\x1b"), std::string::npos);
}

TEST_F(TrainMainTest, AJobThatDidNotSucceedIsAFailure) {
  for (const v1::TrainJob::State state : {v1::TrainJob::FAILED, v1::TrainJob::CANCELLED}) {
    server_.watch = [state](const auto&, const auto& send) {
      v1::TrainJob job = Job(state);
      job.set_reason("it was so");
      send(Update(job));
      return absl::OkStatus();
    };
    const Result result = Run("watch 0193");
    EXPECT_EQ(result.exit_status, 1);
    EXPECT_EQ(result.out, state == v1::TrainJob::FAILED ? "failed: it was so\n" : "cancelled: it was so\n");
  }
  server_.watch = [](const auto&, const auto& send) {
    v1::TrainJob job = Job(v1::TrainJob::SUCCEEDED);
    job.set_reason("accuracy is below 0.97");
    send(Update(job));
    return absl::OkStatus();
  };
  const Result result = Run("watch 0193");
  EXPECT_EQ(result.exit_status, 0) << "the job did what it was to do";
  EXPECT_EQ(result.out, "not published: accuracy is below 0.97\n");
}

TEST_F(TrainMainTest, WatchAsJsonIsALineAnUpdate) {
  server_.watch = [](const auto&, const auto& send) {
    send(Update(Job(v1::TrainJob::RUNNING)));
    send(Update(DoneJob()));
    return absl::OkStatus();
  };
  const Result result = Run("watch --json 0193");
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_THAT(result.err, IsEmpty());
  const size_t end = result.out.find('\n');
  EXPECT_EQ(nlohmann::json::parse(result.out.substr(0, end))["job"]["state"], "RUNNING");
  EXPECT_EQ(nlohmann::json::parse(result.out.substr(end + 1))["job"]["published_version"], "2");
}

TEST_F(TrainMainTest, ASignalEndsTheWatchAndNotTheJob) {
  const std::string pid_file = dir_ / "pid";
  server_.watch = [&](const auto&, const auto& send) {
    send(Update(Job(v1::TrainJob::RUNNING)));
    // Once it has said how far the job is it watches, and takes signals.
    v1::TrainProgress progress;
    while (ReadFile(dir_ / "err", 1 << 20)->find("reading data") == std::string::npos) send(Update(progress));
    kill(std::stoi(*ReadFile(pid_file, 100)), SIGINT);
    while (send(Update(progress))) {
    }
    return absl::OkStatus();
  };
  server_.cancel = [](const auto&) -> absl::StatusOr<v1::TrainJob> { return ADD_FAILURE(), absl::InternalError(""); };
  const Result result = Run("watch 0193", "echo $$ >" + pid_file + "; exec ");
  EXPECT_EQ(result.exit_status, 1) << "nobody knows whether it succeeded";
  EXPECT_THAT(result.err,
              EndsWith("beak: job 0193 goes on; 'beak train watch' shows how, 'beak train cancel' stops it\n"));
}

TEST_F(TrainMainTest, ATerminalSeesABarAndACurve) {
  server_.watch = [](const auto&, const auto& send) {
    send(Update(Job(v1::TrainJob::RUNNING)));
    v1::TrainProgress progress;
    progress.set_phase(v1::TrainProgress::TRAINING);
    progress.set_step(1);
    progress.set_steps(2);
    send(Update(progress));
    send(Update(DoneJob()));
    return absl::OkStatus();
  };
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(terminal, 0);
  ASSERT_EQ(grantpt(terminal) | unlockpt(terminal), 0);
  const std::string other_end = ptsname(terminal);
  const int kept_open = open(other_end.c_str(), O_RDWR | O_NOCTTY);
  const std::string command = "TERM=xterm LC_ALL=C.UTF-8 " + Program() +
                              " train watch 0193 --server=" + server_.address() + " >" + other_end + " 2>" + other_end;
  std::future<int> status = std::async(std::launch::async, [&] { return system(command.c_str()); });
  std::string seen;
  while (seen.find("published") == std::string::npos) {
    char bytes[4096];
    const ssize_t count = read(terminal, bytes, sizeof(bytes));
    ASSERT_GT(count, 0) << seen;
    seen.append(bytes, static_cast<size_t>(count));
  }
  EXPECT_EQ(WEXITSTATUS(status.get()), 0);
  close(kept_open);
  close(terminal);
  EXPECT_THAT(seen, HasSubstr("\r\033[Ktraining  [\u2588"));
  EXPECT_THAT(seen, HasSubstr("held-out loss\r\n"));
  EXPECT_THAT(seen, HasSubstr("\u2502\u2809")) << "Braille dots at the top left";
}

TEST_F(TrainMainTest, ListsShowsCancelsAndDeletes) {
  server_.list = [](const v1::ListTrainJobsRequest& request) {
    v1::ListTrainJobsResponse response;
    *response.add_job() = Job(v1::TrainJob::RUNNING);
    response.mutable_job(0)->mutable_spec()->set_model(request.ShortDebugString());
    return response;
  };
  server_.get = [](const auto&) { return DoneJob(); };
  server_.cancel = [](const auto&) { return Job(v1::TrainJob::CANCELLED); };
  server_.remove = [](const auto&) { return v1::DeleteTrainJobResponse(); };
  EXPECT_THAT(Run("list --state=running --state=QUEUED --model=m").out,
              HasSubstr(R"(state: RUNNING state: QUEUED model: "m")"));
  EXPECT_EQ(nlohmann::json::parse(Run("list --json").out)[0]["id"], "0193");
  EXPECT_THAT(Run("show 0193").out, HasSubstr("result     published as version 2 of 'mnist'\n"));
  EXPECT_EQ(nlohmann::json::parse(Run("show 0193 --json").out)["published_version"], "2");
  EXPECT_EQ(Run("cancel 0193").out, "0193: cancelled\n");
  EXPECT_EQ(nlohmann::json::parse(Run("cancel 0193 --json").out)["state"], "CANCELLED");
  EXPECT_EQ(Run("delete 0193").out, "0193: deleted\n");
  EXPECT_EQ(nlohmann::json::parse(Run("delete 0193 --json").out)["done"], "deleted");
}

TEST_F(TrainMainTest, ShowDraws) {
  server_.get = [](const auto&) { return DoneJob(); };
  const Result result = Run("show 0193 --svg=" + (dir_ / "a.svg"));
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(*ReadFile(dir_ / "a.svg", 1 << 20), StartsWith("<svg "));
  server_.get = [](const auto&) { return Job(v1::TrainJob::QUEUED); };
  EXPECT_EQ(Run("show 0193 --svg=" + (dir_ / "b.svg")).err,
            "beak: FAILED_PRECONDITION: --svg: expected a job with epochs, got one without\n");
  EXPECT_FALSE(IsRegularFile(dir_ / "b.svg"));
}

TEST_F(TrainMainTest, TheServersErrorsAreFailures) {
  server_.get = [](const auto&) -> absl::StatusOr<v1::TrainJob> { return absl::NotFoundError("no job '1'"); };
  const Result result = Run("show 1");
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(result.err, "beak: NOT_FOUND: no job '1'\n");
}

TEST_F(TrainMainTest, HelpAndUsage) {
  for (const char* command : {"--help", "submit --help", "list --help", "show --help", "watch --help"}) {
    const Result result = Run(command);
    EXPECT_EQ(result.exit_status, 0) << command;
    EXPECT_THAT(result.out, HasSubstr("Usage:")) << command;
  }
  for (const char* command : {"", "submit", "submit a b", "submit a --watch --validate-only", "list --state=sleeping",
                              "list --state=unknown", "list extra", "show", "watch", "cancel", "delete"}) {
    const Result result = Run(command);
    EXPECT_EQ(result.exit_status, 2) << command;
    EXPECT_THAT(result.out, IsEmpty()) << command;
    EXPECT_THAT(result.err, Not(IsEmpty())) << command;
  }
}

}  // namespace
}  // namespace beak::cli
