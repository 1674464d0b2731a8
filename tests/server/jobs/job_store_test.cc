#include "server/jobs/job_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/jobs/job_schema.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using Job = v1::TrainJob;
using ::beak::testing::StatusIs;
using ::beak::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Pair;
using ::testing::SizeIs;

v1::TrainJobSpec Spec(const std::string& model, int64_t epochs = 5) {
  v1::TrainJobSpec spec;
  spec.set_model(model);
  spec.mutable_training()->set_epochs(epochs);
  return spec;
}

class JobStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { Reopen(); }

  void Reopen() {
    store_.reset();
    absl::StatusOr<std::unique_ptr<JobStore>> store = JobStore::Open(dir_.path());
    ASSERT_OK(store);
    store_ = *std::move(store);
  }

  // The id of a new job.
  std::string Add(const std::string& model = "mnist") {
    const absl::StatusOr<JobStore::Created> created = store_->Create({.spec = Spec(model), .created_ms = 1000});
    EXPECT_OK(created);
    return created.ok() ? created->job.id() : "";
  }

  void Become(const std::string& id, std::initializer_list<Job::State> states) {
    for (const Job::State state : states) EXPECT_OK(store_->SetState(id, state, "", 2000));
  }

  std::string Database() const { return dir_ / "jobs/jobs.db"; }

  TempDir dir_;
  std::unique_ptr<JobStore> store_;
};

std::vector<std::string> Ids(const std::vector<Job>& jobs) {
  std::vector<std::string> ids;
  for (const Job& job : jobs) ids.push_back(job.id());
  return ids;
}

// ---------------------------------------------------------------- jobs

TEST_F(JobStoreTest, ANewJobIsQueuedAndStays) {
  ASSERT_OK_AND_ASSIGN(const JobStore::Created created,
                       store_->Create({.request_id = "r", .spec = Spec("mnist"), .created_ms = 1234}));
  EXPECT_TRUE(created.is_new);
  EXPECT_EQ(created.job.id(), "mnist-000001");
  EXPECT_EQ(created.job.state(), Job::QUEUED);
  Reopen();
  ASSERT_OK_AND_ASSIGN(const Job job, store_->Get("mnist-000001"));
  EXPECT_EQ(job.SerializeAsString(), created.job.SerializeAsString());
  EXPECT_EQ(job.request_id(), "r");
  EXPECT_EQ(job.created_ms(), 1234);
  EXPECT_EQ(job.spec().training().epochs(), 5);
  EXPECT_EQ(job.attempts(), 0);
  EXPECT_FALSE(job.has_progress());
  EXPECT_FALSE(job.has_result());
}

TEST_F(JobStoreTest, IdsNameFoldersWhateverTheModelIsCalled) {
  for (const std::string& model :
       {std::string("../../etc"), std::string("-x"), std::string("..."), std::string("a'b\"c"), std::string(300, 'y'),
        std::string("lock"), std::string("jobs.db")}) {
    EXPECT_THAT(Add(model), AllOf(MatchesRegex("[A-Za-z0-9_][A-Za-z0-9_-]*-[0-9]+"), SizeIs(::testing::Le(64))));
  }
}

TEST_F(JobStoreTest, IdsAreNeverUsedAgain) {
  const std::string first = Add();
  Become(first, {Job::CANCELLED});
  ASSERT_OK(store_->Delete(first));
  Reopen();
  EXPECT_EQ(Add(), "mnist-000002");
}

TEST_F(JobStoreTest, WhatIsNotThereIsNotFound) {
  const auto not_found = StatusIs(absl::StatusCode::kNotFound, HasSubstr("job 'mnist-000009'"));
  EXPECT_THAT(store_->Get("mnist-000009"), not_found);
  EXPECT_THAT(store_->SetState("mnist-000009", Job::FAILED, "", 0), not_found);
  EXPECT_THAT(store_->SetProgress("mnist-000009", {}), not_found);
  EXPECT_THAT(store_->AddEpoch("mnist-000009", {}), not_found);
  EXPECT_THAT(store_->SetResult("mnist-000009", {}), not_found);
  EXPECT_THAT(store_->SetPublished("mnist-000009", 1), not_found);
  EXPECT_THAT(store_->Delete("mnist-000009"), not_found);
}

TEST_F(JobStoreTest, OnlySoManyMayWait) {
  Add();
  const std::string second = Add();
  EXPECT_THAT(store_->Create({.spec = Spec("mnist"), .max_queued = 2}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("expected at most 2")));
  Become(second, {Job::RUNNING});
  EXPECT_OK(store_->Create({.spec = Spec("mnist"), .max_queued = 2}));
}

// ---------------------------------------------------------------- request ids

TEST_F(JobStoreTest, TheSameRequestIsTheSameJob) {
  ASSERT_OK_AND_ASSIGN(const JobStore::Created first, store_->Create({.request_id = "r", .spec = Spec("a")}));
  Become(first.job.id(), {Job::RUNNING});
  Reopen();
  ASSERT_OK_AND_ASSIGN(const JobStore::Created again,
                       store_->Create({.request_id = "r", .spec = Spec("a"), .created_ms = 9, .max_queued = 0}));
  EXPECT_FALSE(again.is_new);
  EXPECT_EQ(again.job.id(), first.job.id());
  EXPECT_EQ(again.job.state(), Job::RUNNING);
  ASSERT_OK_AND_ASSIGN(const JobPage page, store_->List({}, 10, ""));
  EXPECT_EQ(page.jobs.size(), 1u);
}

TEST_F(JobStoreTest, AnotherSpecUnderTheSameRequestIsRefused) {
  ASSERT_OK(store_->Create({.request_id = "r", .spec = Spec("a")}));
  const auto refused = StatusIs(absl::StatusCode::kAlreadyExists, AllOf(HasSubstr("'r'"), HasSubstr("a-000001")));
  EXPECT_THAT(store_->Create({.request_id = "r", .spec = Spec("a", 6)}), refused);
  EXPECT_THAT(store_->FindRequest("r", Spec("b")), refused);
}

TEST_F(JobStoreTest, RequestsAreFoundBeforeAnythingIsMade) {
  ASSERT_OK_AND_ASSIGN(std::optional<Job> found, store_->FindRequest("r", Spec("a")));
  EXPECT_FALSE(found.has_value());
  ASSERT_OK(store_->Create({.request_id = "r", .spec = Spec("a")}));
  ASSERT_OK_AND_ASSIGN(found, store_->FindRequest("r", Spec("a")));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->id(), "a-000001");
}

TEST_F(JobStoreTest, WithoutARequestIdNoTwoAreTheSame) {
  EXPECT_NE(Add(), Add());
  ASSERT_OK_AND_ASSIGN(const std::optional<Job> found, store_->FindRequest("", Spec("mnist")));
  EXPECT_FALSE(found.has_value());
}

TEST_F(JobStoreTest, ARequestIdHasALimit) {
  EXPECT_OK(store_->Create({.request_id = std::string(255, 'r'), .spec = Spec("a")}));
  EXPECT_THAT(store_->Create({.request_id = std::string(256, 'r'), .spec = Spec("a")}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("request_id")));
}

TEST_F(JobStoreTest, ADeletedJobFreesItsRequestId) {
  ASSERT_OK(store_->Create({.request_id = "r", .spec = Spec("a")}));
  Become("a-000001", {Job::CANCELLED});
  ASSERT_OK(store_->Delete("a-000001"));
  ASSERT_OK_AND_ASSIGN(const JobStore::Created created, store_->Create({.request_id = "r", .spec = Spec("b")}));
  EXPECT_EQ(created.job.id(), "b-000002");
}

TEST_F(JobStoreTest, OneOfManyThreadsMakesTheJobOfARequest) {
  std::vector<std::thread> threads;
  std::vector<std::string> ids(8);
  for (size_t i = 0; i < ids.size(); ++i) {
    threads.emplace_back([&, i] {
      const absl::StatusOr<JobStore::Created> created = store_->Create({.request_id = "r", .spec = Spec("a")});
      if (created.ok()) ids[i] = absl::StrCat(created->job.id(), created->is_new ? " new" : "");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(std::count(ids.begin(), ids.end(), "a-000001 new"), 1);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), "a-000001"), 7);
}

// ---------------------------------------------------------------- what becomes of them

TEST_F(JobStoreTest, StatesTellTimesAttemptsAndReasons) {
  const std::string id = Add();
  ASSERT_OK(store_->SetState(id, Job::RUNNING, "", 2000));
  ASSERT_OK(store_->SetState(id, Job::QUEUED, "its process died", 3000));
  ASSERT_OK_AND_ASSIGN(Job job, store_->SetState(id, Job::RUNNING, "", 4000));
  EXPECT_EQ(job.attempts(), 2);
  EXPECT_EQ(job.started_ms(), 2000);
  EXPECT_EQ(job.ended_ms(), 0);
  EXPECT_EQ(job.reason(), "");
  ASSERT_OK_AND_ASSIGN(job, store_->SetState(id, Job::FAILED, "loss is no number", 5000));
  Reopen();
  ASSERT_OK_AND_ASSIGN(const Job kept, store_->Get(id));
  EXPECT_EQ(kept.SerializeAsString(), job.SerializeAsString());
  EXPECT_EQ(kept.state(), Job::FAILED);
  EXPECT_EQ(kept.reason(), "loss is no number");
  EXPECT_EQ(kept.ended_ms(), 5000);
}

TEST_F(JobStoreTest, AStateThatMayNotFollowIsRefused) {
  const std::string id = Add();
  EXPECT_THAT(store_->SetState(id, Job::SUCCEEDED, "", 0),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("is queued and cannot become succeeded")));
  Become(id, {Job::CANCELLED});
  EXPECT_THAT(store_->SetState(id, Job::RUNNING, "", 0), StatusIs(absl::StatusCode::kFailedPrecondition));
  ASSERT_OK_AND_ASSIGN(const Job job, store_->Get(id));
  EXPECT_EQ(job.state(), Job::CANCELLED);
  EXPECT_EQ(job.attempts(), 0);
}

TEST_F(JobStoreTest, ProgressResultAndVersionStay) {
  const std::string id = Add();
  v1::TrainProgress progress;
  progress.set_step(7);
  v1::TrainResult result;
  result.mutable_held_out()->set_loss(0.5);
  result.add_confusion(3);
  result.add_class_score()->set_name("cat");
  ASSERT_OK(store_->SetProgress(id, progress));
  ASSERT_OK(store_->SetResult(id, result));
  ASSERT_OK(store_->SetPublished(id, 4));
  Reopen();
  ASSERT_OK_AND_ASSIGN(const Job job, store_->Get(id));
  EXPECT_EQ(job.progress().step(), 7);
  EXPECT_EQ(job.result().held_out().loss(), 0.5);
  EXPECT_EQ(job.result().confusion_size(), 1);
  EXPECT_EQ(job.result().class_score(0).name(), "cat");
  EXPECT_EQ(job.published_version(), 4);
}

TEST_F(JobStoreTest, ALaterReportOfAnEpochTakesThePlaceOfTheEarlier) {
  const std::string id = Add();
  const std::string other = Add();
  for (const auto& [epoch, steps] : std::vector<std::pair<int, int>>{{1, 20}, {0, 10}, {2, 30}, {1, 21}}) {
    v1::EpochReport report;
    report.set_epoch(epoch);
    report.set_steps(steps);
    ASSERT_OK(store_->AddEpoch(id, report));
  }
  Reopen();
  ASSERT_OK_AND_ASSIGN(const Job job, store_->Get(id));
  std::vector<int64_t> steps;
  for (const v1::EpochReport& report : job.epoch()) steps.push_back(report.steps());
  EXPECT_THAT(steps, ElementsAre(10, 21, 30));
  ASSERT_OK_AND_ASSIGN(const Job untouched, store_->Get(other));
  EXPECT_EQ(untouched.epoch_size(), 0);
}

TEST_F(JobStoreTest, OnlyWhatHasEndedIsDeletedAndWithItsEpochs) {
  const std::string id = Add();
  ASSERT_OK(store_->AddEpoch(id, {}));
  for (const Job::State state : {Job::RUNNING, Job::PUBLISHING}) {
    EXPECT_THAT(store_->Delete(id), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("has ended")));
    Become(id, {state});
  }
  EXPECT_THAT(store_->Delete(id), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("publishing")));
  Become(id, {Job::SUCCEEDED});
  ASSERT_OK(store_->Delete(id));
  EXPECT_THAT(store_->Get(id), StatusIs(absl::StatusCode::kNotFound));
  store_.reset();
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SqliteDatabase> database, SqliteDatabase::Open(Database()));
  EXPECT_THAT(database->ReadInt("SELECT count(*) FROM epochs"), ::beak::testing::IsOkAndHolds(0));
}

TEST_F(JobStoreTest, WhatHasNotEndedIsLoadedOldestFirst) {
  const std::string queued = Add("a");
  const std::string running = Add("b");
  const std::string publishing = Add("c");
  const std::string failed = Add("d");
  Become(running, {Job::RUNNING});
  Become(publishing, {Job::RUNNING, Job::PUBLISHING});
  Become(failed, {Job::FAILED});
  Reopen();
  ASSERT_OK_AND_ASSIGN(const std::vector<Job> jobs, store_->LoadUnfinished());
  EXPECT_THAT(Ids(jobs), ElementsAre(queued, running, publishing));
  ASSERT_OK_AND_ASSIGN(const auto counts, store_->CountByState());
  EXPECT_THAT(counts,
              ElementsAre(Pair(Job::QUEUED, 1), Pair(Job::RUNNING, 1), Pair(Job::PUBLISHING, 1), Pair(Job::FAILED, 1)));
}

// ---------------------------------------------------------------- lists

TEST_F(JobStoreTest, AListIsNewestFirstAndShort) {
  Add("a");
  const std::string id = Add("b");
  v1::TrainResult result;
  result.add_confusion(3);
  result.add_class_score();
  result.set_parameters(8);
  ASSERT_OK(store_->SetResult(id, result));
  ASSERT_OK(store_->AddEpoch(id, {}));
  ASSERT_OK_AND_ASSIGN(const JobPage page, store_->List({}, 10, ""));
  ASSERT_THAT(Ids(page.jobs), ElementsAre("b-000002", "a-000001"));
  EXPECT_EQ(page.next_page_token, "");
  EXPECT_EQ(page.jobs[0].epoch_size(), 0);
  EXPECT_EQ(page.jobs[0].result().confusion_size(), 0);
  EXPECT_EQ(page.jobs[0].result().class_score_size(), 0);
  EXPECT_EQ(page.jobs[0].result().parameters(), 8);
  EXPECT_FALSE(page.jobs[1].has_result());
}

TEST_F(JobStoreTest, AListShowsWhatTheFilterLets) {
  const std::string first = Add("a");
  Add("b");
  const std::string third = Add("a");
  Become(third, {Job::RUNNING});
  const auto list = [&](const JobFilter& filter) {
    const absl::StatusOr<JobPage> page = store_->List(filter, 10, "");
    EXPECT_OK(page);
    return page.ok() ? Ids(page->jobs) : std::vector<std::string>{"error"};
  };
  EXPECT_THAT(list({.model = "a"}), ElementsAre(third, first));
  EXPECT_THAT(list({.states = {Job::RUNNING}}), ElementsAre(third));
  EXPECT_THAT(list({.states = {Job::RUNNING, Job::QUEUED, Job::QUEUED}, .model = "a"}), ElementsAre(third, first));
  EXPECT_THAT(list({.states = {Job::SUCCEEDED}}), IsEmpty());
  EXPECT_THAT(list({.states = {static_cast<Job::State>(99)}}), IsEmpty());
  EXPECT_THAT(list({.model = "A"}), IsEmpty());
}

TEST_F(JobStoreTest, PagesGoOnWhereTheLastEnded) {
  for (int i = 0; i < 5; ++i) Add();
  std::vector<std::string> ids;
  std::string token;
  int pages = 0;
  do {
    ASSERT_OK_AND_ASSIGN(const JobPage page, store_->List({}, 2, token));
    for (const Job& job : page.jobs) ids.push_back(job.id());
    token = page.next_page_token;
  } while (++pages < 9 && !token.empty());
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(ids, ElementsAre("mnist-000005", "mnist-000004", "mnist-000003", "mnist-000002", "mnist-000001"));
}

TEST_F(JobStoreTest, AFullLastPageHasNoToken) {
  for (int i = 0; i < 4; ++i) Add();
  ASSERT_OK_AND_ASSIGN(const JobPage first, store_->List({}, 2, ""));
  ASSERT_OK_AND_ASSIGN(const JobPage second, store_->List({}, 2, first.next_page_token));
  EXPECT_EQ(second.jobs.size(), 2u);
  EXPECT_EQ(second.next_page_token, "");
}

TEST_F(JobStoreTest, PagesMissNoneAndRepeatNoneWhileJobsComeAndGo) {
  std::vector<std::string> all;
  for (int i = 0; i < 6; ++i) all.push_back(Add());
  ASSERT_OK_AND_ASSIGN(const JobPage first, store_->List({}, 2, ""));
  EXPECT_THAT(Ids(first.jobs), ElementsAre(all[5], all[4]));
  // The job that the token points at goes, one that is still to come does, and new ones are made.
  for (const std::string& gone : {all[4], all[2]}) {
    Become(gone, {Job::CANCELLED});
    ASSERT_OK(store_->Delete(gone));
  }
  Add();
  Reopen();
  Add();
  ASSERT_OK_AND_ASSIGN(const JobPage second, store_->List({}, 2, first.next_page_token));
  EXPECT_THAT(Ids(second.jobs), ElementsAre(all[3], all[1]));
  ASSERT_OK_AND_ASSIGN(const JobPage third, store_->List({}, 2, second.next_page_token));
  EXPECT_THAT(Ids(third.jobs), ElementsAre(all[0]));
  EXPECT_EQ(third.next_page_token, "");
}

TEST_F(JobStoreTest, ATokenThatNoPageGaveIsRefused) {
  for (int i = 0; i < 3; ++i) Add();
  ASSERT_OK_AND_ASSIGN(const JobPage page, store_->List({}, 2, ""));
  std::string changed = page.next_page_token;
  changed.back() = changed.back() == '0' ? '1' : '0';
  for (const std::string& token : {changed, std::string("2"), std::string("mnist-000002"), std::string(24, '0'),
                                   std::string(24, '-'), std::string(100000, 'f'), page.next_page_token + "0"}) {
    EXPECT_THAT(store_->List({}, 2, token), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("page_token")));
  }
  EXPECT_THAT(store_->List({.model = "mnist"}, 2, page.next_page_token), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(JobStoreTest, PageSizesThatMakeNoSenseAreMadeToFit) {
  for (int i = 0; i < 3; ++i) Add();
  for (const int size : {0, -1, INT_MIN}) {
    ASSERT_OK_AND_ASSIGN(const JobPage page, store_->List({}, size, ""));
    EXPECT_EQ(page.jobs.size(), 1u);
  }
  ASSERT_OK_AND_ASSIGN(const JobPage page, store_->List({}, INT_MAX, ""));
  EXPECT_EQ(page.jobs.size(), 3u);
}

// ---------------------------------------------------------------- the database

TEST_F(JobStoreTest, ASecondServerIsRefused) {
  EXPECT_THAT(JobStore::Open(dir_.path()),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       absl::StrCat("state folder ", dir_.path(), ": another server uses it")));
  store_.reset();
  EXPECT_OK(JobStore::Open(dir_.path()));
}

TEST_F(JobStoreTest, EachDatabaseHasANameOfItsOwn) {
  const std::string owner = store_->owner();
  EXPECT_THAT(owner, MatchesRegex("[0-9a-f]{16}"));
  Reopen();
  EXPECT_EQ(store_->owner(), owner);
  const TempDir other;
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<JobStore> store, JobStore::Open(other.path()));
  EXPECT_NE(store->owner(), owner);
}

TEST_F(JobStoreTest, AnAcknowledgedJobSurvivesAKilledProcess) {
  Add("a");
  // What a killed process leaves: the database and its log, as they were when Create returned.
  const TempDir other;
  std::filesystem::create_directory(other / "jobs");
  for (const char* name : {"jobs.db", "jobs.db-wal"}) {
    std::filesystem::copy_file(dir_ / ("jobs/" + std::string(name)), other / ("jobs/" + std::string(name)));
  }
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<JobStore> store, JobStore::Open(other.path()));
  EXPECT_OK(store->Get("a-000001"));
}

TEST_F(JobStoreTest, ADatabaseThatIsNoneIsDataLoss) {
  store_.reset();
  for (const char* log : {"jobs.db-wal", "jobs.db-shm"}) std::filesystem::remove(dir_ / ("jobs/" + std::string(log)));
  std::ofstream(Database(), std::ios::binary | std::ios::trunc) << std::string(8192, 'x');
  EXPECT_THAT(JobStore::Open(dir_.path()), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Database())));
}

TEST_F(JobStoreTest, ADamagedDatabaseIsDataLossWhereverTheDamageIs) {
  for (int i = 0; i < 80; ++i) Add();
  store_.reset();
  const int64_t size = static_cast<int64_t>(std::filesystem::file_size(Database()));
  std::ifstream file(Database(), std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_EQ(static_cast<int64_t>(whole.size()), size);
  for (int64_t page = 0; page < size / 4096; ++page) {
    std::string damaged = whole;
    damaged.replace(page * 4096, 64, std::string(64, '\x7f'));
    std::ofstream(Database(), std::ios::binary | std::ios::trunc) << damaged;
    EXPECT_THAT(JobStore::Open(dir_.path()), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Database())))
        << "page " << page;
  }
  std::ofstream(Database(), std::ios::binary | std::ios::trunc) << whole.substr(0, size / 2);
  EXPECT_THAT(JobStore::Open(dir_.path()), StatusIs(absl::StatusCode::kDataLoss, HasSubstr(Database())));
}

TEST_F(JobStoreTest, ANewerDatabaseIsDataLoss) {
  store_.reset();
  const int64_t newest = static_cast<int64_t>(JobSchema().scripts.size());
  ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SqliteDatabase> database, SqliteDatabase::Open(Database()));
  ASSERT_OK(database->Execute(absl::StrCat("PRAGMA user_version = ", newest + 1)));
  EXPECT_THAT(JobStore::Open(dir_.path()),
              StatusIs(absl::StatusCode::kDataLoss,
                       HasSubstr(absl::StrCat("expected schema version at most ", newest, ", got ", newest + 1))));
}

TEST_F(JobStoreTest, ARowThatCannotBeUnderstoodIsDataLoss) {
  const std::string id = Add();
  store_.reset();
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SqliteDatabase> database, SqliteDatabase::Open(Database()));
    ASSERT_OK(database->Execute("UPDATE jobs SET spec = x'ff'"));
  }
  Reopen();
  EXPECT_THAT(store_->Get(id), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("job 'mnist-000001': its spec")));
  store_.reset();
  {
    ASSERT_OK_AND_ASSIGN(const std::unique_ptr<SqliteDatabase> database, SqliteDatabase::Open(Database()));
    ASSERT_OK(database->Execute("UPDATE jobs SET spec = x'', state = 'DREAMING'"));
  }
  Reopen();
  EXPECT_THAT(store_->Get(id), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("its state")));
}

TEST_F(JobStoreTest, AStateFolderThatIsAFileIsRefused) {
  const std::string path = dir_.Write("file", "");
  EXPECT_THAT(JobStore::Open(path), StatusIs(absl::StatusCode::kUnavailable, HasSubstr(path)));
}

}  // namespace
}  // namespace beak
