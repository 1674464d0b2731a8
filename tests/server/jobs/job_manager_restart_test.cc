// What happens to jobs when the server ends, in order or not, and another takes its place.

#include <gmock/gmock.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <random>
#include <set>

#include "server/jobs/job_store.h"
#include "tests/server/jobs/manager_fixture.h"

extern char** environ;

namespace beak {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using testing::Eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ProcessState;
using testing::ReadText;
using testing::RecordingListener;
using testing::ScriptedJob;
using ::testing::SizeIs;
using testing::StatusIs;

class JobManagerRestartTest : public testing::ManagerTest {
 protected:
  // Puts a job into the store as an earlier server would have left it.
  std::string Leave(JobStore& store, const std::string& script, Job::State state) {
    const absl::StatusOr<JobStore::Created> created = store.Create({"", ScriptedJob(script), 1});
    EXPECT_OK(created);
    const std::string id = created->job.id();
    for (const Job::State step : {Job::RUNNING, Job::PUBLISHING, Job::SUCCEEDED}) {
      if (state == Job::QUEUED || state == Job::CANCELLED) break;
      if (step == Job::PUBLISHING) {
        EXPECT_OK(store.SetResult(id, v1::TrainResult()));
      }
      EXPECT_OK(store.SetState(id, step, "", 1));
      if (step == state) break;
    }
    if (state == Job::CANCELLED) {
      EXPECT_OK(store.SetState(id, state, "", 1));
    }
    return id;
  }
  std::string Leave(const std::string& script, Job::State state) {
    const absl::StatusOr<std::unique_ptr<JobStore>> store = JobStore::Open(dir_ / "state");
    EXPECT_OK(store);
    return Leave(**store, script, state);
  }
};

TEST_F(JobManagerRestartTest, TheEndIsToldAndTheNextGoesOn) {
  StartManager();
  const std::string script = "epochs=2 steps=20";
  Await(CreateScripted(script, "whole"), Job::SUCCEEDED);
  const std::string id = CreateScripted(script + " hold_at=11", "stopped");
  const std::string queued = CreateScripted("epochs=1", "queued");
  const auto listener = Watch(id);
  AwaitStep(id, 10);
  manager_->Stop();
  EXPECT_EQ(listener->told().back(), "end UNAVAILABLE");
  EXPECT_EQ(Get(id).state(), Job::QUEUED);
  EXPECT_EQ(Get(id).reason(), "");
  EXPECT_EQ(ProcessOf(id), 0);
  EXPECT_THAT(TryCreate(ScriptedJob("")), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(manager_->CancelJob(id), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(manager_->DeleteJob(id), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(manager_->WatchJob(id, listener), StatusIs(absl::StatusCode::kUnavailable));

  LetGo(id);
  StartManager();
  const Job job = Await(id, Job::SUCCEEDED);
  EXPECT_EQ(job.attempts(), 2);
  EXPECT_EQ(ReadText(dir_ / "models/stopped/1/model.onnx"), ReadText(dir_ / "models/whole/1/model.onnx"));
  Await(queued, Job::SUCCEEDED);
}

TEST_F(JobManagerRestartTest, AProcessThatDoesNotEndIsKilledAtTheEnd) {
  options_.stop_patience = std::chrono::milliseconds(50);
  StartManager();
  const std::string id = CreateScripted("epochs=1 steps=2 hang_at=2 attempts=1");
  AwaitStep(id, 1);
  manager_->Stop();
  EXPECT_EQ(ProcessOf(id), 0);
  EXPECT_EQ(Get(id).state(), Job::QUEUED);
  StartManager();
  Await(id, Job::SUCCEEDED);
}

TEST_F(JobManagerRestartTest, APausedProcessEndsInOrderToo) {
  StartManager();
  const std::string id = CreateScripted("epochs=1 steps=1000000 step_us=100");
  AwaitStep(id, 1);
  manager_->SetLanesBusy(2, 2);
  const pid_t process = ProcessOf(id);
  ASSERT_TRUE(Eventually([&] { return ProcessState(process) == 'T'; }));
  manager_->Stop();
  EXPECT_EQ(ProcessState(process), '-');
  EXPECT_NE(ReadText(Folder(id) + "/checkpoint"), "") << "it was not killed";
}

TEST_F(JobManagerRestartTest, JobsInEveryStateAreTakenOver) {
  std::string queued, running, publishing, succeeded, cancelled;
  {
    const absl::StatusOr<std::unique_ptr<JobStore>> store = JobStore::Open(dir_ / "state");
    ASSERT_OK(store);
    running = Leave(**store, "epochs=1", Job::RUNNING);
    publishing = Leave(**store, "epochs=1", Job::PUBLISHING);
    queued = Leave(**store, "epochs=1", Job::QUEUED);
    succeeded = Leave(**store, "epochs=1", Job::SUCCEEDED);
    cancelled = Leave(**store, "epochs=1", Job::CANCELLED);
  }
  dir_.Write("state/jobs/" + publishing + "/result/model.onnx", "trained before");
  dir_.Write("state/jobs/" + publishing + "/result/lineage.json", "{}");
  StartManager();
  EXPECT_EQ(Await(running, Job::SUCCEEDED).attempts(), 2);
  const Job published = Await(publishing, Job::SUCCEEDED);
  EXPECT_EQ(published.attempts(), 1);
  EXPECT_EQ(ReadText(absl::StrCat(dir_.path(), "/models/m/", published.published_version(), "/model.onnx")),
            "trained before");
  Await(queued, Job::SUCCEEDED);
  EXPECT_EQ(Get(succeeded).state(), Job::SUCCEEDED);
  EXPECT_EQ(Get(cancelled).state(), Job::CANCELLED);
}

TEST_F(JobManagerRestartTest, WhatWasPublishedBeforeItWasWrittenDownIsNotPublishedAgain) {
  StartManager();
  const std::string id = CreateScripted("epochs=1");
  Await(id, Job::SUCCEEDED);
  manager_.reset();
  // As if the server had died between the two.
  {
    const absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(dir_ / "state/jobs/jobs.db");
    ASSERT_OK(database);
    ASSERT_OK((*database)->Execute("UPDATE jobs SET state = 'PUBLISHING', published_version = 0"));
  }
  StartManager();
  EXPECT_EQ(Await(id, Job::SUCCEEDED).published_version(), 1);
  EXPECT_FALSE(fs::exists(dir_ / "models/m/2"));
}

TEST_F(JobManagerRestartTest, TwoManagersDoNotShareAStateFolder) {
  StartManager();
  EXPECT_THAT(JobManager::Create(options_, models_, metrics_, Clock::Real()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("another server uses it")));
  Await(CreateScripted("epochs=1"), Job::SUCCEEDED);
}

TEST_F(JobManagerRestartTest, WhatIsNotThereIsSaidAtOnce) {
  const JobManager::Options good = options_;
  for (std::string JobManager::Options::*path :
       {&JobManager::Options::state_dir, &JobManager::Options::data_dir, &JobManager::Options::model_repository,
        &JobManager::Options::train_program}) {
    options_ = good;
    options_.*path = dir_ / "none";
    EXPECT_THAT(JobManager::Create(options_, models_, metrics_, Clock::Real()),
                StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir_ / "none")));
  }
}

TEST_F(JobManagerRestartTest, AJobOfAnotherDatabaseIsNotTakenForTheSame) {
  StartManager();
  const std::string id = CreateScripted("epochs=1");
  Await(id, Job::SUCCEEDED);
  manager_.reset();
  for (const char* file : {"jobs.db", "jobs.db-wal", "jobs.db-shm"})
    fs::remove(dir_ / ("state/jobs/" + std::string(file)));
  StartManager();
  EXPECT_EQ(CreateScripted("epochs=2"), id) << "numbers begin anew";
  EXPECT_EQ(Await(id, Job::SUCCEEDED).attempts(), 1);
  EXPECT_EQ(ReadText(Folder(id) + "/attempt"), "1") << "the other's result was not taken";
  EXPECT_TRUE(fs::exists(Folder(id) + ".lost-1/result")) << "nor was it thrown away";
}

TEST_F(JobManagerRestartTest, FoldersThatNobodyNeedsAreRemoved) {
  StartManager();
  const std::string kept = CreateScripted("epochs=1"), deleted = CreateScripted("epochs=1");
  Await(deleted, Job::SUCCEEDED);
  manager_.reset();
  ASSERT_OK((*JobStore::Open(dir_ / "state"))->Delete(deleted));
  dir_.Write("state/jobs/.check-7/job.textproto", "");
  dir_.Write("state/jobs/x.unfinished/owner", "");
  dir_.Write("state/jobs/of-somebody-else/file", "");
  StartManager();
  EXPECT_FALSE(fs::exists(Folder(deleted)));
  EXPECT_FALSE(fs::exists(Folder(".check-7")));
  EXPECT_FALSE(fs::exists(Folder("x.unfinished")));
  EXPECT_TRUE(fs::exists(Folder(kept)));
  EXPECT_TRUE(fs::exists(Folder("of-somebody-else")));
}

TEST_F(JobManagerRestartTest, ADatabaseThatCannotBeWrittenIsWaitedFor) {
  StartManager();
  const std::string id = CreateScripted("epochs=2 steps=1 hold_at=2");
  AwaitStep(id, 1);
  const absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(dir_ / "state/jobs/jobs.db");
  ASSERT_OK(database);
  ASSERT_OK(
      (*database)->Execute("CREATE TRIGGER no_jobs BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'full'); END;"
                           "CREATE TRIGGER no_epochs BEFORE INSERT ON epochs BEGIN SELECT RAISE(ABORT, 'full'); END"));
  LetGo(id);
  ASSERT_TRUE(Eventually([&] { return ProcessOf(id) == 0; }));
  EXPECT_EQ(Get(id).state(), Job::RUNNING);
  ASSERT_OK((*database)->Execute("DROP TRIGGER no_jobs; DROP TRIGGER no_epochs"));
  EXPECT_THAT(Await(id, Job::SUCCEEDED).epoch(), SizeIs(2)) << "what could not be written is written later";
}

TEST_F(JobManagerRestartTest, TheEndDoesNotWaitForADatabaseThatCannotBeWritten) {
  StartManager();
  const std::string id = CreateScripted("epochs=2 steps=1 hold_at=2");
  AwaitStep(id, 1);
  {
    const absl::StatusOr<std::unique_ptr<SqliteDatabase>> database = SqliteDatabase::Open(dir_ / "state/jobs/jobs.db");
    ASSERT_OK(database);
    ASSERT_OK(
        (*database)->Execute("CREATE TRIGGER no_jobs BEFORE UPDATE ON jobs BEGIN SELECT RAISE(ABORT, 'full'); END"));
    manager_->Stop();
    EXPECT_EQ(ProcessOf(id), 0);
    ASSERT_OK((*database)->Execute("DROP TRIGGER no_jobs"));
  }
  StartManager();
  LetGo(id);
  EXPECT_EQ(Await(id, Job::SUCCEEDED).attempts(), 2);
}

// ---------------------------------------------------------------- kill -9 of the server

// A server of jobs in a process of its own: manager_process.cc.
class ServerProcess {
 public:
  ServerProcess(const std::string& folder, const std::vector<std::string>& scripts) {
    std::vector<std::string> arguments = {fs::read_symlink("/proc/self/exe").parent_path() / "manager_process", folder};
    arguments.insert(arguments.end(), scripts.begin(), scripts.end());
    std::vector<char*> pointers;
    for (std::string& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid_, pointers[0], nullptr, nullptr, pointers.data(), environ), 0);
  }
  ~ServerProcess() { Kill(); }
  void Kill() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
};

// The jobs that a server has acknowledged, by request.
std::set<std::string> Acknowledged(const std::string& folder) {
  std::set<std::string> ids;
  std::ifstream file(folder + "/acknowledged");
  for (std::string id; std::getline(file, id);) ids.insert(id);
  return ids;
}

TEST_F(JobManagerRestartTest, KillingTheServerAtAnyMomentLosesNothing) {
  const std::string script = "epochs=10 steps=4 step_us=500";
  StartManager();
  Await(CreateScripted(script, "whole"), Job::SUCCEEDED);
  manager_.reset();
  const std::string whole = ReadText(dir_ / "models/whole/1/model.onnx");

  std::mt19937 random(1);
  for (int life = 0; life < 25; ++life) {
    ServerProcess server(dir_.path(), {script});
    // The first one lives until it has a job to lose.
    if (life == 0) {
      EXPECT_TRUE(Eventually([&] { return !Acknowledged(dir_.path()).empty(); }));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 120));
    server.Kill();
  }
  const std::set<std::string> acknowledged = Acknowledged(dir_.path());
  EXPECT_FALSE(acknowledged.empty());
  StartManager();
  for (const std::string& id : acknowledged) Await(id, Job::SUCCEEDED);
  EXPECT_TRUE(Eventually([&] {
    return manager_->ListJobs({{Job::QUEUED, Job::RUNNING, Job::PUBLISHING}, ""}, 1, "")->jobs.empty();
  }));
  // Each job has a version of its own, whole.
  std::set<int64_t> versions;
  const absl::StatusOr<JobPage> page = manager_->ListJobs({{}, "m"}, 1000, "");
  ASSERT_OK(page);
  EXPECT_GE(page->jobs.size(), acknowledged.size());
  for (const Job& job : page->jobs) {
    EXPECT_EQ(job.state(), Job::SUCCEEDED) << job.reason();
    EXPECT_TRUE(versions.insert(job.published_version()).second);
    EXPECT_EQ(ReadText(absl::StrCat(dir_.path(), "/models/m/", job.published_version(), "/model.onnx")), whole);
  }
  for (const auto& entry : fs::directory_iterator(dir_ / "models/m")) {
    const std::string name = entry.path().filename();
    EXPECT_TRUE(!entry.is_directory() || versions.count(std::stoll(name)) == 1) << "a version of nobody: " << name;
  }
  EXPECT_TRUE(Eventually([&] { return ProcessOf("") == 0; }));
}

}  // namespace
}  // namespace beak
