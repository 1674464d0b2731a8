#include "server/jobs/job_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/jobs/sqlite.h"
#include "tests/server/jobs/job_store_fixture.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using Job = v1::TrainJob;
using ::beak::testing::Ids;
using ::beak::testing::IsOkAndHolds;
using ::beak::testing::Spec;
using ::beak::testing::StatusIs;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Pair;
using ::testing::SizeIs;

class JobStoreTest : public testing::JobStoreFixture {};

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
  EXPECT_THAT(database->ReadInt("SELECT count(*) FROM epochs"), IsOkAndHolds(0));
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

}  // namespace
}  // namespace beak
