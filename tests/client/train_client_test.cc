#include "client/train_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "proto/beak/v1/service/train_service.pb.h"
#include "tests/client/support/fake_train_server.h"
#include "tests/support/status_matchers.h"

namespace beak::client {
namespace {

using ::beak::testing::IsOk;
using ::beak::testing::Notice;
using ::beak::testing::StatusIs;
using ::beak::testing::Update;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

v1::TrainJob Job(v1::TrainJob::State state) {
  v1::TrainJob job;
  job.set_id("j");
  job.set_state(state);
  return job;
}

v1::TrainJobSpec Spec() {
  v1::TrainJobSpec spec;
  spec.set_model("mnist");
  return spec;
}

class TrainClientTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_OK_AND_ASSIGN(client_, TrainClient::Connect(server_.address())); }

  testing::FakeTrainServer server_;
  std::unique_ptr<TrainClient> client_;
};

TEST_F(TrainClientTest, AJobThatIsCreatedAgainIsTheSame) {
  std::vector<std::string> ids;
  server_.create = [&](const v1::CreateTrainJobRequest& request) -> absl::StatusOr<v1::TrainJob> {
    EXPECT_EQ(request.spec().model(), "mnist");
    EXPECT_FALSE(request.validate_only());
    ids.push_back(request.request_id());
    if (ids.size() == 1) return absl::UnavailableError("not yet");
    return Job(v1::TrainJob::QUEUED);
  };
  ASSERT_OK_AND_ASSIGN(const v1::TrainJob job, client_->CreateJob(Spec()));
  EXPECT_EQ(job.id(), "j");
  ASSERT_THAT(ids, SizeIs(2));
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_THAT(ids[0], SizeIs(32));

  EXPECT_OK(client_->CreateJob(Spec()));
  EXPECT_NE(ids[2], ids[0]) << "another call is another job";
  EXPECT_OK(client_->CreateJob(Spec(), "mine"));
  EXPECT_EQ(ids[3], "mine");
}

TEST_F(TrainClientTest, ChecksAJobWithoutMakingOne) {
  server_.create = [&](const v1::CreateTrainJobRequest& request) -> absl::StatusOr<v1::TrainJob> {
    EXPECT_TRUE(request.validate_only());
    return absl::InvalidArgumentError("training.epochs: expected at least 1, got 0\ndata: expected a source");
  };
  EXPECT_EQ(client_->CheckJob(Spec()),
            absl::InvalidArgumentError("training.epochs: expected at least 1, got 0\ndata: expected a source"));
}

TEST_F(TrainClientTest, CallsNameTheJob) {
  const auto named = [](const auto& request) -> absl::StatusOr<v1::TrainJob> {
    if (request.id() != "j") return absl::NotFoundError("no job '" + request.id() + "'");
    return Job(v1::TrainJob::RUNNING);
  };
  server_.get = named;
  server_.cancel = named;
  std::string removed;
  server_.remove = [&](const auto& request) { return removed = request.id(), v1::DeleteTrainJobResponse(); };
  EXPECT_OK(client_->GetJob("j"));
  EXPECT_THAT(client_->GetJob("k"), StatusIs(absl::StatusCode::kNotFound, "no job 'k'"));
  EXPECT_OK(client_->CancelJob("j"));
  EXPECT_THAT(client_->CancelJob("k"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_OK(client_->DeleteJob("j"));
  EXPECT_EQ(removed, "j");
}

TEST_F(TrainClientTest, ListsAllPages) {
  std::vector<std::string> tokens;
  server_.list = [&](const v1::ListTrainJobsRequest& request) {
    EXPECT_EQ(request.model(), "m");
    tokens.push_back(request.page_token());
    v1::ListTrainJobsResponse page;
    page.add_job()->set_id(request.page_token() + "a");
    page.add_job()->set_id(request.page_token() + "b");
    if (tokens.size() < 3) page.set_next_page_token(std::to_string(tokens.size()));
    return page;
  };
  v1::ListTrainJobsRequest request;
  request.set_model("m");
  ASSERT_OK_AND_ASSIGN(const std::vector<v1::TrainJob> jobs, client_->ListAllJobs(request));
  EXPECT_THAT(tokens, ElementsAre("", "1", "2"));
  ASSERT_EQ(jobs.size(), 6u);
  EXPECT_EQ(jobs[5].id(), "2b");
  ASSERT_OK_AND_ASSIGN(const v1::ListTrainJobsResponse page, client_->ListJobs(request));
  EXPECT_EQ(page.job_size(), 2);
}

TEST_F(TrainClientTest, AServerWithoutALastPageIsFoundOut) {
  server_.list = [](const auto&) {
    v1::ListTrainJobsResponse page;
    page.set_next_page_token("again");
    return page;
  };
  EXPECT_THAT(client_->ListAllJobs({}), StatusIs(absl::StatusCode::kInternal));
}

TEST_F(TrainClientTest, WatchesAJobUntilItHasEnded) {
  server_.watch = [](const v1::WatchTrainJobRequest& request, const auto& send) {
    EXPECT_EQ(request.id(), "j");
    send(Update(Job(v1::TrainJob::RUNNING)));
    send(Notice("n"));
    send(Update(Job(v1::TrainJob::FAILED)));
    return absl::OkStatus();
  };
  std::vector<std::string> told;
  const auto job = client_->WatchJob("j", [&](const auto& update) { told.push_back(update.ShortDebugString()); });
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->state(), v1::TrainJob::FAILED);
  EXPECT_THAT(told,
              ElementsAre(R"(job { id: "j" state: RUNNING })", R"(notice: "n")", R"(job { id: "j" state: FAILED })"));
}

TEST_F(TrainClientTest, AWatchGoesOnWhenTheServerIsBack) {
  std::atomic<int> calls = 0;
  server_.watch = [&](const auto&, const auto& send) -> absl::Status {
    send(Update(Job(v1::TrainJob::RUNNING)));
    switch (++calls) {
      case 1:
        return absl::UnavailableError("the server is shutting down");
      case 2:
        return absl::OkStatus();  // says nothing of the end
      default:
        send(Update(Job(v1::TrainJob::SUCCEEDED)));
        return absl::OkStatus();
    }
  };
  int updates = 0;
  std::vector<absl::Status> lost;
  WatchOptions options;
  options.on_lost = [&](const absl::Status& status) { lost.push_back(status); };
  const auto job = client_->WatchJob(
      "j", [&](const auto&) { ++updates; }, options);
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->state(), v1::TrainJob::SUCCEEDED);
  EXPECT_EQ(updates, 4);
  EXPECT_THAT(lost, ElementsAre(absl::UnavailableError("the server is shutting down"))) << "told once for both";
}

TEST_F(TrainClientTest, TheJobThatHasEndedHasAllItsEpochs) {
  const auto epoch = [](int number, double seconds) {
    v1::EpochReport report;
    report.set_epoch(number);
    report.set_seconds(seconds);
    return report;
  };
  std::atomic<int> calls = 0;
  server_.watch = [&](const auto&, const auto& send) -> absl::Status {
    v1::TrainJob job = Job(v1::TrainJob::RUNNING);
    if (++calls == 1) {
      send(Update(job));
      send(Update(epoch(0, 1)));
      send(Update(epoch(1, 1)));
      return absl::UnavailableError("going");
    }
    for (const int number : {0, 1, 2}) *job.add_epoch() = epoch(number, 2);
    send(Update(job));
    send(Update(epoch(3, 2)));
    send(Update(Job(v1::TrainJob::SUCCEEDED)));  // a change of state, without epochs
    return absl::OkStatus();
  };
  ASSERT_OK_AND_ASSIGN(const v1::TrainJob job, client_->WaitUntilDone("j"));
  EXPECT_EQ(job.state(), v1::TrainJob::SUCCEEDED);
  ASSERT_EQ(job.epoch_size(), 4);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(job.epoch(i).epoch(), i);
    EXPECT_EQ(job.epoch(i).seconds(), 2) << "the newest report counts";
  }
}

TEST_F(TrainClientTest, AServerMayBeRestartedMeanwhile) {
  std::promise<void> watching;
  std::atomic<int> calls = 0;
  std::atomic<bool> restarted = false;
  server_.watch = [&](const auto&, const auto& send) -> absl::Status {
    send(Update(Job(restarted ? v1::TrainJob::SUCCEEDED : v1::TrainJob::RUNNING)));
    if (++calls == 1) watching.set_value();
    return restarted ? absl::OkStatus() : absl::UnavailableError("going");
  };
  std::promise<void> lost;
  WatchOptions options;
  options.on_lost = [&](const auto&) { lost.set_value(); };
  auto job = std::async(std::launch::async, [&] { return client_->WatchJob("j", nullptr, options); });
  watching.get_future().wait();
  server_.Stop();
  lost.get_future().wait();
  restarted = true;
  server_.Restart();
  EXPECT_THAT(job.get(), IsOk());
}

TEST_F(TrainClientTest, PatienceWithAServerThatIsAwayEnds) {
  server_.watch = [&](const auto&, const auto&) { return absl::UnavailableError("no"); };
  WatchOptions options;
  options.patience = std::chrono::milliseconds(30);
  EXPECT_EQ(client_->WatchJob("j", nullptr, options).status(), absl::UnavailableError("no"));
}

TEST_F(TrainClientTest, OtherErrorsEndAWatch) {
  server_.watch = [&](const auto&, const auto&) { return absl::NotFoundError("no job"); };
  EXPECT_THAT(client_->WatchJob("j", nullptr), StatusIs(absl::StatusCode::kNotFound, "no job"));
}

TEST_F(TrainClientTest, WaitsUntilAJobIsDone) {
  server_.watch = [&](const auto&, const auto& send) {
    send(Update(Job(v1::TrainJob::CANCELLED)));
    return absl::OkStatus();
  };
  ASSERT_OK_AND_ASSIGN(const v1::TrainJob job, client_->WaitUntilDone("j"));
  EXPECT_EQ(job.state(), v1::TrainJob::CANCELLED);
  EXPECT_TRUE(HasEnded(job));
}

// A watch that lasts as long as the client wants it.
TEST_F(TrainClientTest, DoesNotWaitLongerThanItIsTold) {
  server_.watch = [&](const auto&, const auto& send) {
    while (send(Notice("still there"))) {
    }
    return absl::OkStatus();
  };
  EXPECT_THAT(client_->WaitUntilDone("j", std::chrono::milliseconds(50)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(TrainClientTest, TheDeadlineHoldsWhileTheServerIsAway) {
  server_.watch = [&](const auto&, const auto&) { return absl::UnavailableError("no"); };
  EXPECT_THAT(client_->WaitUntilDone("j", std::chrono::milliseconds(30)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST_F(TrainClientTest, WatchesCanBeStopped) {
  server_.watch = [&](const auto&, const auto& send) {
    while (send(Notice("still there"))) {
    }
    return absl::OkStatus();
  };
  const auto stop = [&](const auto&) { client_->StopWatching(); };
  EXPECT_THAT(client_->WatchJob("j", stop), StatusIs(absl::StatusCode::kCancelled));
  EXPECT_THAT(client_->WatchJob("j", nullptr), StatusIs(absl::StatusCode::kCancelled)) << "nor does another begin";
}

TEST_F(TrainClientTest, AWatchThatWaitsForTheServerCanBeStopped) {
  server_.watch = [&](const auto&, const auto&) { return absl::UnavailableError("no"); };
  WatchOptions options;
  options.on_lost = [&](const auto&) { client_->StopWatching(); };
  EXPECT_THAT(client_->WatchJob("j", nullptr, options), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(TrainClientTest, NobodyThereIsUnavailable) {
  ClientOptions options;
  options.connect_timeout = std::chrono::milliseconds(50);
  EXPECT_THAT(TrainClient::Connect("127.0.0.1:1", options),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("127.0.0.1:1")));
}

}  // namespace
}  // namespace beak::client
