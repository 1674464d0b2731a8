// Jobs from their creation to their end, with a trainer that does what the job tells it to.

#include "server/jobs/job_manager.h"

#include <signal.h>

#include <algorithm>

#include "tests/server/jobs/manager_fixture.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::Eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::ProcessState;
using testing::ReadText;
using testing::RecordingListener;
using testing::ScriptedJob;
using ::testing::SizeIs;
using testing::StatusIs;

class JobManagerTest : public testing::ManagerTest {};

TEST_F(JobManagerTest, AJobIsTrainedAndPublished) {
  StartManager();
  const Job created = Create(ScriptedJob("epochs=2 steps=3"));
  EXPECT_EQ(created.state(), Job::QUEUED);
  const Job job = Await(created.id(), Job::SUCCEEDED);
  EXPECT_EQ(job.published_version(), 1);
  EXPECT_EQ(job.reason(), "");
  EXPECT_EQ(job.attempts(), 1);
  EXPECT_EQ(job.epoch_size(), 2);
  EXPECT_EQ(job.result().parameters(), 7);
  EXPECT_EQ(job.progress().step(), 6);
  EXPECT_GT(job.started_ms(), 0);
  EXPECT_GE(job.ended_ms(), job.started_ms());
  EXPECT_THAT(ReadText(dir_ / "models/m/1/model.onnx"), HasSubstr("trained"));
  EXPECT_THAT(models_.published(), ElementsAre("m 1"));
  EXPECT_THAT(ReadText(Folder(job.id()) + "/job.textproto"), HasSubstr("epochs=2 steps=3"));
  EXPECT_EQ(Await(CreateScripted("epochs=1"), Job::SUCCEEDED).published_version(), 2);
}

TEST_F(JobManagerTest, AListenerHearsTheJobThenEpochsInOrderAndNothingAfterTheEnd) {
  StartManager();
  const std::string id = CreateScripted("epochs=3 steps=2 notices=2 hold_at=1");
  const auto listener = Watch(id);
  Await(id, Job::RUNNING);
  const auto late = Watch(id);
  LetGo(id);
  ASSERT_TRUE(listener->Await("job SUCCEEDED"));
  manager_->Stop();
  std::vector<std::string> told = listener->told();
  told.erase(std::remove(told.begin(), told.end(), "job QUEUED"), told.end());  // it may have been started before
  EXPECT_THAT(told, ElementsAre("job RUNNING", "notice 0", "notice 1", "epoch 0", "epoch 1", "epoch 2",
                                "job PUBLISHING", "job SUCCEEDED"));
  EXPECT_THAT(late->told().front(), "job RUNNING") << "whoever comes later is told how it is";
  EXPECT_EQ(late->told().back(), "job SUCCEEDED");
}

TEST_F(JobManagerTest, WhoWatchesAJobThatHasEndedIsToldOnce) {
  StartManager();
  const std::string id = CreateScripted("epochs=1");
  Await(id, Job::SUCCEEDED);
  const auto listener = Watch(id);
  manager_->Stop();
  EXPECT_THAT(listener->told(), ElementsAre("job SUCCEEDED"));
}

TEST_F(JobManagerTest, ProgressIsToldNowAndThenAndShownAtOnce) {
  options_.tell_period = std::chrono::milliseconds(50);
  StartManager();
  const std::string id = CreateScripted("epochs=1 steps=1000 step_us=100");
  const auto begin = std::chrono::steady_clock::now();
  const auto listener = Watch(id);
  ASSERT_TRUE(listener->Await("job SUCCEEDED"));
  const auto periods = (std::chrono::steady_clock::now() - begin) / options_.tell_period;
  EXPECT_LE(listener->progress().size(), static_cast<size_t>(periods) + 2);
  EXPECT_GE(listener->progress().size(), 2u);
  int64_t step = 0;
  for (const v1::TrainProgress& progress : listener->progress()) {
    EXPECT_GE(progress.step(), step);
    step = progress.step();
  }
}

TEST_F(JobManagerTest, JobsRunInTheirOrderAsManyAsAllowed) {
  options_.max_running = 2;
  StartManager();
  const std::string first = CreateScripted("hold_at=1"), second = CreateScripted("hold_at=1"),
                    third = CreateScripted("hold_at=1"), fourth = CreateScripted("hold_at=1");
  Await(first, Job::RUNNING);
  Await(second, Job::RUNNING);
  EXPECT_EQ(Get(third).state(), Job::QUEUED);
  LetGo(second);
  Await(second, Job::SUCCEEDED);
  Await(third, Job::RUNNING);
  EXPECT_EQ(Get(fourth).state(), Job::QUEUED);
  const std::string text = metrics_.Text();
  EXPECT_THAT(text, HasSubstr("beak_train_jobs{state=\"running\"} 2"));
  EXPECT_THAT(text, HasSubstr("beak_train_jobs{state=\"queued\"} 1"));
  EXPECT_THAT(text, HasSubstr("beak_train_jobs{state=\"failed\"} 0"));
}

TEST_F(JobManagerTest, ListsShowJobsAsTheyAre) {
  StartManager();
  const std::string first = CreateScripted("epochs=1", "a");
  Await(first, Job::SUCCEEDED);
  const std::string second = CreateScripted("epochs=1 hold_at=2", "b");
  AwaitStep(second, 1);
  const absl::StatusOr<JobPage> all = manager_->ListJobs({}, 10, "");
  ASSERT_OK(all);
  ASSERT_THAT(all->jobs, SizeIs(2));
  EXPECT_EQ(all->jobs[0].id(), second);
  EXPECT_EQ(all->jobs[0].progress().step(), 1);
  const absl::StatusOr<JobPage> ended = manager_->ListJobs({{Job::SUCCEEDED}, ""}, 10, "");
  ASSERT_OK(ended);
  ASSERT_THAT(ended->jobs, SizeIs(1));
  EXPECT_EQ(ended->jobs[0].id(), first);
}

TEST_F(JobManagerTest, SeriesOfAModelAreThereWhileItTrains) {
  StartManager();
  const std::string id = CreateScripted("epochs=2 steps=1 hold_at=2");
  ASSERT_TRUE(
      Eventually([&] { return metrics_.Text().find("beak_train_accuracy{model=\"m\"} 0.5") != std::string::npos; }));
  const std::string text = metrics_.Text();
  for (const char* series :
       {"beak_train_loss{model=\"m\"} 1", "beak_train_learning_rate{model=\"m\"} 0.5",
        "beak_train_samples_per_second{model=\"m\"} 100", "beak_train_step_seconds{model=\"m\"} 0.01"}) {
    EXPECT_THAT(text, HasSubstr(series));
  }
  LetGo(id);
  Await(id, Job::SUCCEEDED);
  EXPECT_THAT(metrics_.Text(), Not(HasSubstr("model=\"m\"")));
  EXPECT_TRUE(
      Eventually([&] { return metrics_.Text().find("beak_train_jobs{state=\"succeeded\"} 1") != std::string::npos; }));
}

// ---------------------------------------------------------------- creation

TEST_F(JobManagerTest, TheSameRequestGivesTheSameJob) {
  StartManager();
  const Job first = Create(ScriptedJob("hold_at=1"), "request");
  EXPECT_EQ(Create(ScriptedJob("hold_at=1"), "request").id(), first.id());
  EXPECT_THAT(TryCreate(ScriptedJob("other"), "request"), StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_NE(Create(ScriptedJob("hold_at=1")).id(), Create(ScriptedJob("hold_at=1")).id());
}

TEST_F(JobManagerTest, RequestsAtTheSameTimeGiveOneJob) {
  StartManager();
  std::vector<std::thread> callers;
  std::vector<std::string> ids(8);
  for (std::string& id : ids) {
    callers.emplace_back([this, &id] { id = Create(ScriptedJob("hold_at=1"), "request").id(); });
  }
  for (std::thread& caller : callers) caller.join();
  for (const std::string& id : ids) EXPECT_EQ(id, ids[0]);
}

TEST_F(JobManagerTest, AWrongJobIsRefusedWithAllThatIsWrong) {
  StartManager();
  EXPECT_THAT(TryCreate(ScriptedJob("check=fail refuse_text=data")),
              StatusIs(absl::StatusCode::kInvalidArgument, "training.epochs: expected at least 1, got 0\ndata"));
  const absl::StatusOr<Job> long_reason = TryCreate(ScriptedJob("check=fail refuse_text=" + std::string(100'000, 'x')));
  EXPECT_LT(long_reason.status().message().size(), 4000u) << "it has to fit into the trailers of a call";
  EXPECT_THAT(TryCreate(ScriptedJob("check=crash")),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("signal 6 (Aborted)")));
  EXPECT_THAT(TryCreate(ScriptedJob("check=garbage")), StatusIs(absl::StatusCode::kInternal, HasSubstr("event")));
  EXPECT_THAT(TryCreate(ScriptedJob("", "")), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("model: ")));
  EXPECT_THAT(TryCreate(ScriptedJob(std::string(2 << 20, 'x'))), StatusIs(absl::StatusCode::kInvalidArgument));
  const absl::StatusOr<JobPage> page = manager_->ListJobs({}, 10, "");
  ASSERT_OK(page);
  EXPECT_THAT(page->jobs, IsEmpty());
  EXPECT_TRUE(Eventually([&] {
    for (const auto& entry : fs::directory_iterator(dir_ / "state/jobs")) {
      if (entry.is_directory()) return false;
    }
    return true;
  })) << "checks leave nothing behind";
}

TEST_F(JobManagerTest, ACheckThatTakesTooLongLeavesItToTheRun) {
  options_.check_limit = std::chrono::milliseconds(50);
  StartManager();
  Await(CreateScripted("check=hang epochs=1"), Job::SUCCEEDED);
}

TEST_F(JobManagerTest, AJobMayBeCheckedOnly) {
  StartManager();
  const absl::StatusOr<Job> job = TryCreate(ScriptedJob("epochs=1"), "", true);
  ASSERT_OK(job);
  EXPECT_EQ(job->id(), "");
  EXPECT_EQ(job->spec().model(), "m");
  EXPECT_THAT(TryCreate(ScriptedJob("check=fail"), "", true), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(manager_->ListJobs({}, 10, "")->jobs, IsEmpty());
}

TEST_F(JobManagerTest, AFullQueueRefuses) {
  options_.max_queued = 2;
  StartManager();
  Await(CreateScripted("hold_at=1"), Job::RUNNING);
  CreateScripted("");
  const std::string last = CreateScripted("");
  EXPECT_THAT(TryCreate(ScriptedJob("")), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("at most 2")));
  EXPECT_OK(TryCreate(ScriptedJob(""), "", true)) << "checking takes no room";
  ASSERT_OK(manager_->CancelJob(last));
  CreateScripted("");
}

TEST_F(JobManagerTest, OnlySoManyChecksWait) {
  options_.check_limit = std::chrono::hours(1);
  StartManager();
  std::atomic<int> refused = 0, ended = 0;
  for (int i = 0; i < 40; ++i) {
    manager_->CreateJob("", ScriptedJob("check=hang"), false, [&](const absl::StatusOr<Job>& job) {
      refused += absl::IsResourceExhausted(job.status());
      ended += absl::IsUnavailable(job.status());
    });
  }
  EXPECT_TRUE(Eventually([&] { return refused == 6; })) << "2 run, 32 wait";
  manager_->Stop();
  EXPECT_EQ(ended, 34) << "everybody is answered at the end";
}

// ---------------------------------------------------------------- ends of processes

TEST_F(JobManagerTest, AFailureIsTheEnd) {
  StartManager();
  const Job job = Await(CreateScripted("fail_at=2"), Job::FAILED);
  EXPECT_EQ(job.reason(), "step 2: the loss is no number");
  EXPECT_EQ(job.attempts(), 1);
  EXPECT_GT(job.ended_ms(), 0);
}

TEST_F(JobManagerTest, AProcessThatDiesIsStartedAgainAndGoesOn) {
  StartManager();
  const std::string whole = CreateScripted("epochs=4 steps=2", "whole");
  Await(whole, Job::SUCCEEDED);
  const Job crashed = Await(CreateScripted("epochs=4 steps=2 crash_at=6 attempts=2", "crashed"), Job::SUCCEEDED);
  EXPECT_EQ(crashed.attempts(), 3);
  EXPECT_EQ(crashed.epoch_size(), 4);
  EXPECT_EQ(ReadText(dir_ / "models/crashed/1/model.onnx"), ReadText(dir_ / "models/whole/1/model.onnx"));
}

TEST_F(JobManagerTest, AProcessThatDiesAgainAndAgainIsGivenUp) {
  StartManager();
  const Job crashes = Await(CreateScripted("epochs=4 steps=2 crash_at=6"), Job::FAILED);
  EXPECT_EQ(crashes.attempts(), 3);
  EXPECT_THAT(crashes.reason(), AllOf(HasSubstr("3 attempts without progress"), HasSubstr("signal 6 (Aborted)")));
  const Job exits = Await(CreateScripted("exit_at=1,1"), Job::FAILED);
  EXPECT_THAT(exits.reason(), HasSubstr("status 1 and told no reason; it last wrote: an error at step 1"));
  EXPECT_THAT(ReadText(Folder(exits.id()) + "/log.txt"), HasSubstr("an error at step 1\nan error at step 1\n"));
  const Job silent = Await(CreateScripted("no_result=1"), Job::FAILED);
  EXPECT_THAT(silent.reason(), HasSubstr("without a result"));
  const Job stopped = Await(CreateScripted("exit_at=1,3"), Job::FAILED);
  EXPECT_THAT(stopped.reason(), HasSubstr("status 3")) << "nobody asked it";
}

TEST_F(JobManagerTest, WhoeverMakesProgressIsNeverGivenUp) {
  StartManager();
  // It dies when it has come an epoch and a step further.
  const Job job = Await(CreateScripted("epochs=8 steps=2 crash_after=3"), Job::SUCCEEDED);
  EXPECT_EQ(job.attempts(), 8);
  EXPECT_EQ(job.epoch_size(), 8);
}

TEST_F(JobManagerTest, GarbageInsteadOfEventsIsAFailure) {
  StartManager();
  const Job job = Await(CreateScripted("garbage_at=2"), Job::FAILED);
  EXPECT_THAT(job.reason(), HasSubstr("beak-train: event: expected"));
  EXPECT_EQ(job.attempts(), 1);
}

TEST_F(JobManagerTest, WrongUsageIsAFailure) {
  StartManager();
  EXPECT_EQ(Await(CreateScripted("exit_at=1,2"), Job::FAILED).attempts(), 1);
}

TEST_F(JobManagerTest, AProgramThatIsAwayIsWaitedFor) {
  fs::copy_file(testing::FakeTrainer(), dir_ / "trainer");
  options_.train_program = dir_ / "trainer";
  StartManager();
  const std::string blocker = CreateScripted("hold_at=1");
  Await(blocker, Job::RUNNING);
  const std::string id = CreateScripted("epochs=1");
  fs::rename(dir_ / "trainer", dir_ / "away");
  LetGo(blocker);
  ASSERT_TRUE(Eventually([&] { return Get(id).attempts() >= 3; }));
  EXPECT_FALSE(HasEnded(Get(id).state()));
  fs::rename(dir_ / "away", dir_ / "trainer");
  Await(id, Job::SUCCEEDED);
}

TEST_F(JobManagerTest, ARandomDeathLosesNothing) {
  options_.retry_delay = std::chrono::milliseconds(1);
  StartManager();
  const std::string script = "epochs=40 steps=5 step_us=300";
  Await(CreateScripted(script, "whole"), Job::SUCCEEDED);
  const std::string id = CreateScripted(script + " hold_at=18", "killed");
  // Once where it holds, and then wherever it is found.
  AwaitStep(id, 17);
  int kills = kill(ProcessOf(id), SIGKILL) == 0;
  LetGo(id);
  EXPECT_TRUE(Eventually([&] {
    if (const pid_t process = ProcessOf(id)) kills += kill(process, SIGKILL) == 0;
    const int64_t step = Get(id).progress().step();
    Eventually([&] { return Get(id).progress().step() > step + 17 || HasEnded(Get(id).state()); });
    return HasEnded(Get(id).state());
  }));
  EXPECT_GT(kills, 0);
  const Job job = Await(id, Job::SUCCEEDED);
  EXPECT_EQ(job.epoch_size(), 40);
  for (int i = 0; i < job.epoch_size(); ++i) EXPECT_EQ(job.epoch(i).epoch(), i);
  EXPECT_EQ(ReadText(dir_ / "models/killed/1/model.onnx"), ReadText(dir_ / "models/whole/1/model.onnx"));
}

// ---------------------------------------------------------------- cancel and delete

TEST_F(JobManagerTest, AQueuedJobIsCancelled) {
  StartManager();
  Await(CreateScripted("hold_at=1"), Job::RUNNING);
  const std::string id = CreateScripted("");
  const absl::StatusOr<Job> job = manager_->CancelJob(id);
  ASSERT_OK(job);
  EXPECT_EQ(job->state(), Job::CANCELLED);
  EXPECT_THAT(manager_->CancelJob(id), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("has cancelled")));
}

TEST_F(JobManagerTest, ARunningJobIsCancelledAndItsProcessEnds) {
  StartManager();
  const std::string id = CreateScripted("epochs=1 steps=100000 step_us=1000");
  const auto listener = Watch(id);
  AwaitStep(id, 1);
  const pid_t process = ProcessOf(id);
  ASSERT_GT(process, 0);
  const absl::StatusOr<Job> job = manager_->CancelJob(id);
  ASSERT_OK(job);
  EXPECT_EQ(job->state(), Job::CANCELLED);
  EXPECT_GE(job->progress().step(), 1);
  EXPECT_TRUE(Eventually([&] { return ProcessState(process) == '-'; }));
  EXPECT_NE(ReadText(Folder(id) + "/checkpoint"), "") << "its last checkpoint stays";
  manager_->Stop();
  EXPECT_EQ(listener->told().back(), "job CANCELLED");
}

TEST_F(JobManagerTest, AProcessThatDoesNotListenIsKilled) {
  options_.stop_patience = std::chrono::milliseconds(50);
  StartManager();
  const std::string id = CreateScripted("hang_at=2");
  AwaitStep(id, 1);
  const pid_t process = ProcessOf(id);
  ASSERT_OK(manager_->CancelJob(id));
  EXPECT_TRUE(Eventually([&] { return ProcessState(process) == '-'; }));
}

TEST_F(JobManagerTest, ACancelledProcessKeepsItsPlaceUntilItHasEnded) {
  options_.stop_patience = std::chrono::milliseconds(200);
  StartManager();
  const std::string id = CreateScripted("hang_at=2");
  AwaitStep(id, 1);
  const pid_t process = ProcessOf(id);
  const std::string next = CreateScripted("hold_at=1");
  ASSERT_OK(manager_->CancelJob(id));
  Await(next, Job::RUNNING);
  EXPECT_EQ(ProcessState(process), '-');
}

TEST_F(JobManagerTest, AJobThatHasEndedIsDeletedWithItsFolder) {
  StartManager();
  const std::string id = CreateScripted("epochs=1");
  EXPECT_THAT(manager_->DeleteJob("none"), StatusIs(absl::StatusCode::kNotFound));
  Await(id, Job::SUCCEEDED);
  dir_.Write("outside/file", "text");
  fs::create_symlink(dir_ / "outside", Folder(id) + "/link");
  ASSERT_OK(manager_->DeleteJob(id));
  EXPECT_THAT(manager_->GetJob(id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(manager_->DeleteJob(id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_TRUE(Eventually([&] { return !fs::exists(Folder(id)); }));
  EXPECT_EQ(ReadText(dir_ / "outside/file"), "text") << "links are not followed";
  EXPECT_TRUE(fs::exists(dir_ / "models/m/1/model.onnx")) << "what it published stays";
}

TEST_F(JobManagerTest, AJobThatHasNotEndedIsNotDeleted) {
  StartManager();
  const std::string running = CreateScripted("hold_at=1");
  Await(running, Job::RUNNING);
  const std::string queued = CreateScripted("");
  EXPECT_THAT(manager_->DeleteJob(running), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(manager_->DeleteJob(queued), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(JobManagerTest, AJobIsDeletedWhileItsProcessStillEnds) {
  options_.stop_patience = std::chrono::milliseconds(100);
  StartManager();
  const std::string id = CreateScripted("hang_at=2");
  AwaitStep(id, 1);
  ASSERT_OK(manager_->CancelJob(id));
  ASSERT_OK(manager_->DeleteJob(id));
  EXPECT_THAT(manager_->GetJob(id), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_TRUE(Eventually([&] { return !fs::exists(Folder(id)); }));
  EXPECT_EQ(ProcessOf(id), 0);
}

TEST_F(JobManagerTest, JobsThatThereAreNotAreNotFound) {
  StartManager();
  for (const char* id : {"", "m-000001", "../etc", "m-000001/.."}) {
    EXPECT_THAT(manager_->GetJob(id), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT(manager_->CancelJob(id), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT(manager_->DeleteJob(id), StatusIs(absl::StatusCode::kNotFound));
    EXPECT_THAT(manager_->WatchJob(id, std::make_shared<RecordingListener>()), StatusIs(absl::StatusCode::kNotFound));
  }
}

// ---------------------------------------------------------------- beside serving

TEST_F(JobManagerTest, AJobPausesWhileLanesAreBusyAndSaysSo) {
  StartManager();
  const std::string id = CreateScripted("epochs=1 steps=1000000 step_us=100");
  const auto listener = Watch(id);
  AwaitStep(id, 1);
  manager_->SetLanesBusy(2, 2);
  const pid_t process = ProcessOf(id);
  EXPECT_TRUE(Eventually([&] { return ProcessState(process) == 'T'; }));
  EXPECT_TRUE(Eventually([&] { return Get(id).progress().paused(); }));
  EXPECT_TRUE(listener->AwaitProgress([](const v1::TrainProgress& progress) { return progress.paused(); }));
  manager_->SetLanesBusy(0, 2);
  EXPECT_TRUE(Eventually([&] { return !Get(id).progress().paused(); }));
  const int64_t step = Get(id).progress().step();
  AwaitStep(id, step + 1);
  EXPECT_THAT(metrics_.Text(), Not(HasSubstr("beak_train_paused_seconds_total 0\n")));
  manager_->SetLanesBusy(2, 2);
  EXPECT_TRUE(Eventually([&] { return ProcessState(process) == 'T'; }));
  ASSERT_OK(manager_->CancelJob(id));
  EXPECT_TRUE(Eventually([&] { return ProcessState(process) == '-'; })) << "a paused process is continued to its end";
  EXPECT_NE(ReadText(Folder(id) + "/checkpoint"), "");
}

TEST_F(JobManagerTest, AJobRunsOnWhereTheLanesLeaveACore) {
  StartManager();
  const std::string id = CreateScripted("epochs=1 steps=1000000 step_us=100");
  AwaitStep(id, 1);
  manager_->SetLanesBusy(1, 2);
  const int64_t step = Get(id).progress().step();
  AwaitStep(id, step + 100);
  EXPECT_NE(ProcessState(ProcessOf(id)), 'T');
}

}  // namespace
}  // namespace beak
