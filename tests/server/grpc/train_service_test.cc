#include "server/grpc/train_service.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/mutex.h"
#include "engine/base/status.h"
#include "proto/beak/v1/service/train_service.grpc.pb.h"
#include "server/jobs/job_manager.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::TrainJob Job(const std::string& id, v1::TrainJob::State state = v1::TrainJob::RUNNING) {
  v1::TrainJob job;
  job.set_id(id);
  job.set_state(state);
  return job;
}

// Has one job, "j".
class FakeJobs final : public JobManager {
 public:
  ~FakeJobs() override {
    if (checking_.joinable()) checking_.join();
  }

  void CreateJob(const std::string& request_id, const v1::TrainJobSpec& spec, bool validate_only,
                 std::function<void(absl::StatusOr<v1::TrainJob>)> done) override {
    if (spec.model().empty()) return done(absl::InvalidArgumentError("model: expected a name\ndata: expected some"));
    v1::TrainJob job = Job(validate_only ? "" : "new", v1::TrainJob::QUEUED);
    job.set_request_id(request_id);
    *job.mutable_spec() = spec;
    if (checking_.joinable()) checking_.join();
    checking_ = std::thread([job = std::move(job), done = std::move(done)] { done(job); });
  }
  absl::StatusOr<v1::TrainJob> GetJob(const std::string& id) const override {
    RETURN_IF_ERROR(Find(id));
    return Job(id);
  }
  absl::StatusOr<JobPage> ListJobs(const JobFilter& filter, int page_size,
                                   const std::string& page_token) const override {
    MutexLock lock(mutex_);
    listed_ = absl::StrCat(page_size, " of '", filter.model, "' after '", page_token, "'");
    for (const int state : filter.states) absl::StrAppend(&listed_, " ", state);
    return JobPage{{Job("b"), Job("a")}, "next"};
  }
  absl::Status WatchJob(const std::string& id, std::weak_ptr<JobListener> listener) override {
    RETURN_IF_ERROR(Find(id));
    {
      MutexLock lock(mutex_);
      listener_ = listener;
    }
    listener.lock()->OnJob(Job(id));
    return absl::OkStatus();
  }
  absl::StatusOr<v1::TrainJob> CancelJob(const std::string& id) override {
    RETURN_IF_ERROR(Find(id));
    return Job(id, v1::TrainJob::CANCELLED);
  }
  absl::Status DeleteJob(const std::string& id) override {
    RETURN_IF_ERROR(Find(id));
    return absl::FailedPreconditionError("it has not ended");
  }
  void SetLanesBusy(int, int) override {}
  void Stop() override {}

  std::string listed() const {
    MutexLock lock(mutex_);
    return listed_;
  }
  std::shared_ptr<JobListener> listener() const {
    MutexLock lock(mutex_);
    return listener_.lock();
  }

 private:
  static absl::Status Find(const std::string& id) {
    return id == "j" ? absl::OkStatus() : absl::NotFoundError(absl::StrCat("no job '", id, "'"));
  }

  std::thread checking_;
  mutable Mutex mutex_;
  mutable std::string listed_ GUARDED_BY(mutex_);
  std::weak_ptr<JobListener> listener_ GUARDED_BY(mutex_);
};

class TrainServiceTest : public ::testing::Test {
 protected:
  TrainServiceTest() { Serve(&jobs_); }
  ~TrainServiceTest() override { Shutdown(); }

  void Serve(JobManager* jobs) {
    if (server_) Shutdown();
    service_ = TrainService::Create(guard_, jobs, calls_);
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(service_->service());
    server_ = builder.BuildAndStart();
    ASSERT_NE(port, 0);
    stub_ = v1::TrainService::NewStub(
        grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials()));
  }
  // Returns when all calls are over.
  void Shutdown() { server_->Shutdown(std::chrono::system_clock::now()); }

  template <typename Request, typename Response>
  using Method = grpc::Status (v1::TrainService::Stub::*)(grpc::ClientContext*, const Request&, Response*);

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(Method<Request, Response> method, const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    Response response;
    const grpc::Status status = (stub_.get()->*method)(&context, request, &response);
    if (!status.ok()) return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
    return response;
  }
  absl::StatusOr<v1::ListTrainJobsResponse> List(const v1::ListTrainJobsRequest& request) {
    return Call(&v1::TrainService::Stub::ListTrainJobs, request);
  }

  const std::unique_ptr<Gatekeeper> gatekeeper_ = *Gatekeeper::Create("");
  const Guard guard_{*gatekeeper_};
  OpenCalls calls_;
  FakeJobs jobs_;  // whose thread leaves a call
  std::unique_ptr<TrainService> service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::TrainService::Stub> stub_;
};

// A WatchTrainJob call of a client.
class Watch {
 public:
  Watch(v1::TrainService::Stub& stub, const std::string& id) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::minutes(1));
    v1::WatchTrainJobRequest request;
    request.set_id(id);
    reader_ = stub.WatchTrainJob(&context_, request);
  }

  // The next update as text; "" at the end.
  std::string Next() {
    v1::TrainJobUpdate update;
    return reader_->Read(&update) ? update.ShortDebugString() : "";
  }
  grpc::Status Finish() { return reader_->Finish(); }
  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::TrainJobUpdate>> reader_;
};

TEST_F(TrainServiceTest, WithoutJobsEveryCallSaysWhatIsMissing) {
  Serve(nullptr);
  using Stub = v1::TrainService::Stub;
  const auto expected = [](const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("--data-dir"), HasSubstr("--state-dir"), HasSubstr("--model-repository")));
  };
  expected(Call(&Stub::CreateTrainJob, v1::CreateTrainJobRequest()).status());
  expected(Call(&Stub::GetTrainJob, v1::GetTrainJobRequest()).status());
  expected(Call(&Stub::ListTrainJobs, v1::ListTrainJobsRequest()).status());
  expected(Call(&Stub::CancelTrainJob, v1::CancelTrainJobRequest()).status());
  expected(Call(&Stub::DeleteTrainJob, v1::DeleteTrainJobRequest()).status());
  Watch watch(*stub_, "j");
  EXPECT_EQ(watch.Next(), "");
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(TrainServiceTest, CreatesAJobOnceItHasBeenChecked) {
  v1::CreateTrainJobRequest request;
  request.set_request_id("r");
  request.mutable_spec()->set_model("mnist");
  ASSERT_OK_AND_ASSIGN(const v1::TrainJob job, Call(&v1::TrainService::Stub::CreateTrainJob, request));
  EXPECT_EQ(job.ShortDebugString(), R"(id: "new" request_id: "r" spec { model: "mnist" } state: QUEUED)");
}

TEST_F(TrainServiceTest, ChecksAJobAlone) {
  v1::CreateTrainJobRequest request;
  request.mutable_spec()->set_model("mnist");
  request.set_validate_only(true);
  ASSERT_OK_AND_ASSIGN(const v1::TrainJob job, Call(&v1::TrainService::Stub::CreateTrainJob, request));
  EXPECT_THAT(job.id(), IsEmpty());
}

TEST_F(TrainServiceTest, ErrorsAreTheManagers) {
  using Stub = v1::TrainService::Stub;
  EXPECT_EQ(Call(&Stub::CreateTrainJob, v1::CreateTrainJobRequest()).status(),
            absl::InvalidArgumentError("model: expected a name\ndata: expected some"));
  EXPECT_EQ(Call(&Stub::GetTrainJob, v1::GetTrainJobRequest()).status(), absl::NotFoundError("no job ''"));
  v1::CancelTrainJobRequest cancel;
  cancel.set_id("k");
  EXPECT_EQ(Call(&Stub::CancelTrainJob, cancel).status(), absl::NotFoundError("no job 'k'"));
  v1::DeleteTrainJobRequest forget;
  forget.set_id("j");
  EXPECT_EQ(Call(&Stub::DeleteTrainJob, forget).status(), absl::FailedPreconditionError("it has not ended"));
  Watch watch(*stub_, "k");
  EXPECT_EQ(watch.Next(), "");
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(TrainServiceTest, GetsAndCancels) {
  v1::GetTrainJobRequest get;
  get.set_id("j");
  ASSERT_OK_AND_ASSIGN(const v1::TrainJob job, Call(&v1::TrainService::Stub::GetTrainJob, get));
  EXPECT_EQ(job.ShortDebugString(), R"(id: "j" state: RUNNING)");
  v1::CancelTrainJobRequest cancel;
  cancel.set_id("j");
  ASSERT_OK_AND_ASSIGN(const v1::TrainJob cancelled, Call(&v1::TrainService::Stub::CancelTrainJob, cancel));
  EXPECT_EQ(cancelled.ShortDebugString(), R"(id: "j" state: CANCELLED)");
}

TEST_F(TrainServiceTest, WhatIsDoneToJobsLeavesLinesInTheLog) {
  using Stub = v1::TrainService::Stub;
  v1::CreateTrainJobRequest create;
  create.mutable_spec()->set_model("mnist");
  v1::CancelTrainJobRequest cancel;
  cancel.set_id("j");
  v1::DeleteTrainJobRequest forget;
  forget.set_id("j");
  ::testing::internal::CaptureStderr();
  EXPECT_OK(Call(&Stub::CreateTrainJob, create));
  EXPECT_OK(Call(&Stub::CancelTrainJob, cancel));
  EXPECT_FALSE(Call(&Stub::DeleteTrainJob, forget).ok());
  create.set_validate_only(true);
  EXPECT_OK(Call(&Stub::CreateTrainJob, create));
  const std::string log = ::testing::internal::GetCapturedStderr();
  const std::string caller = " caller=anonymous peer=ipv4:127.0.0.1:";
  EXPECT_THAT(log, HasSubstr("audit action=create job=new" + caller));
  EXPECT_THAT(log, HasSubstr("audit action=cancel job=j" + caller));
  EXPECT_THAT(log, HasSubstr("audit action=delete job=j" + caller));
  EXPECT_THAT(log, HasSubstr("outcome=FAILED_PRECONDITION"));
  EXPECT_EQ(log.find("action=create"), log.rfind("action=create")) << "a job that is only checked changes nothing";
}

TEST_F(TrainServiceTest, ListsPages) {
  v1::ListTrainJobsRequest request;
  request.set_page_token("before");
  request.set_model("m");
  request.add_state(v1::TrainJob::QUEUED);
  request.add_state(v1::TrainJob::FAILED);
  ASSERT_OK_AND_ASSIGN(const v1::ListTrainJobsResponse response, List(request));
  EXPECT_EQ(response.job(0).id(), "b");
  EXPECT_EQ(response.job(1).id(), "a");
  EXPECT_EQ(response.next_page_token(), "next");
  EXPECT_EQ(jobs_.listed(), "50 of 'm' after 'before' 1 5");
  for (const auto& [asked, given] : {std::pair(1, 1), std::pair(1000, 1000), std::pair(1001, 1000)}) {
    v1::ListTrainJobsRequest page;
    page.set_page_size(asked);
    ASSERT_OK(List(page));
    EXPECT_EQ(jobs_.listed(), absl::StrCat(given, " of '' after ''"));
  }
}

TEST_F(TrainServiceTest, RefusesListsThatMakeNoSense) {
  v1::ListTrainJobsRequest negative;
  negative.set_page_size(-1);
  EXPECT_THAT(List(negative), StatusIs(absl::StatusCode::kInvalidArgument, "page_size: expected 0 or more, got -1"));
  for (const int state : {0, 7, -1}) {
    v1::ListTrainJobsRequest request;
    request.add_state(static_cast<v1::TrainJob::State>(state));
    EXPECT_THAT(List(request), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(absl::StrCat("got ", state))));
  }
}

TEST_F(TrainServiceTest, TellsWhatBecomesOfAJob) {
  Watch watch(*stub_, "j");
  EXPECT_EQ(watch.Next(), R"(job { id: "j" state: RUNNING })");
  const std::shared_ptr<JobListener> listener = jobs_.listener();
  v1::TrainProgress progress;
  progress.set_step(3);
  listener->OnProgress(progress);
  EXPECT_EQ(watch.Next(), "progress { step: 3 }");
  v1::EpochReport epoch;
  epoch.set_epoch(1);
  listener->OnEpoch(epoch);
  listener->OnNotice("a bad picture");
  listener->OnJob(Job("j", v1::TrainJob::SUCCEEDED));
  EXPECT_EQ(watch.Next(), "epoch { epoch: 1 }");
  EXPECT_EQ(watch.Next(), R"(notice: "a bad picture")");
  EXPECT_EQ(watch.Next(), R"(job { id: "j" state: SUCCEEDED })");
  EXPECT_EQ(watch.Next(), "");
  EXPECT_TRUE(watch.Finish().ok());
}

TEST_F(TrainServiceTest, AWatchThatIsCancelledIsOver) {
  Watch watch(*stub_, "j");
  EXPECT_NE(watch.Next(), "");
  watch.Cancel();
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::CANCELLED);
  Shutdown();
  EXPECT_EQ(jobs_.listener(), nullptr);
}

TEST_F(TrainServiceTest, WhoeverHoldsTheListenerMaySpeakAfterTheEnd) {
  Watch watch(*stub_, "j");
  EXPECT_NE(watch.Next(), "");
  const std::shared_ptr<JobListener> listener = jobs_.listener();
  watch.Cancel();
  Shutdown();
  listener->OnNotice("nobody hears it");
  listener->OnEnd(absl::OkStatus());
}

TEST_F(TrainServiceTest, WatchesEndWithTheManager) {
  for (const absl::Status& status : {absl::UnavailableError("the jobs stop"), absl::OkStatus()}) {
    Watch watch(*stub_, "j");
    EXPECT_NE(watch.Next(), "");
    jobs_.listener()->OnEnd(status);
    EXPECT_EQ(watch.Next(), "");
    EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::UNAVAILABLE) << "OK would mean that the job has ended";
  }
}

TEST_F(TrainServiceTest, EndsTheWatchesThatAreAndThoseThatCome) {
  Watch before(*stub_, "j");
  EXPECT_NE(before.Next(), "");
  service_->EndWatches();
  Watch after(*stub_, "j");
  EXPECT_NE(after.Next(), "") << "the job as it is now";
  for (Watch* watch : {&before, &after}) {
    EXPECT_EQ(watch->Next(), "");
    EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  }
}

TEST_F(TrainServiceTest, SendsAwayWhoDoesNotReadWhatIsSent) {
  Watch watch(*stub_, "j");
  EXPECT_NE(watch.Next(), "");
  const std::string notice(1 << 20, 'x');
  for (int i = 0; i < 64; ++i) jobs_.listener()->OnNotice(notice);
  int read = 0;
  while (!watch.Next().empty()) ++read;
  EXPECT_LT(read, 64);
  EXPECT_EQ(watch.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(TrainServiceTest, AWatcherThatDoesNotReadHoldsNobodyUp) {
  Watch watch(*stub_, "j");
  EXPECT_NE(watch.Next(), "");
  const std::string notice(1 << 20, 'x');
  for (int i = 0; i < 8; ++i) jobs_.listener()->OnNotice(notice);
  service_->EndWatches();
  Shutdown();
  EXPECT_EQ(jobs_.listener(), nullptr);
}

}  // namespace
}  // namespace beak
