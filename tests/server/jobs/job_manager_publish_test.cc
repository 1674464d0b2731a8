// What becomes of results: gates, comparisons with what serves, versions.

#include "server/jobs/job_manager.h"
#include "tests/server/jobs/manager_fixture.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ReadText;
using testing::ScriptedJob;
using testing::StatusIs;

class JobManagerPublishTest : public testing::ManagerTest {
 protected:
  v1::TrainJobSpec MustBeBetter(const std::string& script) {
    v1::TrainJobSpec spec = ScriptedJob(script);
    spec.mutable_publish()->set_when(v1::Publish::BETTER_THAN_SERVING);
    return spec;
  }
};

TEST_F(JobManagerPublishTest, AGateThatIsClosedSaysWhy) {
  StartManager();
  v1::TrainJobSpec spec = ScriptedJob("epochs=1");
  spec.mutable_publish()->set_when(v1::Publish::METRIC);
  spec.mutable_publish()->set_at_least(0.9);
  const Job refused = Await(Create(spec).id(), Job::SUCCEEDED);
  EXPECT_EQ(refused.published_version(), 0);
  EXPECT_EQ(refused.reason(), "not published: accuracy 0.5 is below 0.9");
  EXPECT_FALSE(fs::exists(dir_ / "models/m"));
  spec.mutable_publish()->set_at_least(0.4);
  EXPECT_EQ(Await(Create(spec).id(), Job::SUCCEEDED).published_version(), 1);
  EXPECT_THAT(models_.published(), ElementsAre("m 1"));
}

TEST_F(JobManagerPublishTest, WhereNothingServesEverythingIsBetter) {
  StartManager();
  const Job job = Await(Create(MustBeBetter("epochs=1 lower=-1")).id(), Job::SUCCEEDED);
  EXPECT_EQ(job.published_version(), 1);
  EXPECT_FALSE(fs::exists(Folder(job.id()) + "/comparisons"));
}

TEST_F(JobManagerPublishTest, WhatServesIsComparedWith) {
  Serve("m", 3);
  StartManager();
  const Job worse = Await(Create(MustBeBetter("epochs=1 lower=-0.01")).id(), Job::SUCCEEDED);
  EXPECT_EQ(worse.published_version(), 0);
  EXPECT_THAT(worse.reason(), HasSubstr("not shown to be better than version 3"));
  EXPECT_EQ(worse.result().comparison().lower_bound(), -0.01);
  EXPECT_EQ(ReadText(Folder(worse.id()) + "/serving/3/model.onnx"), "served 3");
  const Job better = Await(Create(MustBeBetter("epochs=1 lower=0.01")).id(), Job::SUCCEEDED);
  EXPECT_EQ(better.published_version(), 4);
  EXPECT_EQ(better.attempts(), 1) << "a comparison is no attempt";
}

TEST_F(JobManagerPublishTest, AVersionThatComesToServeMeanwhileIsComparedWithToo) {
  Serve("m", 1);
  StartManager();
  const std::string id = Create(MustBeBetter("epochs=1 lower=0.01 compare_hold=1")).id();
  ASSERT_TRUE(Eventually([&] { return ReadText(Folder(id) + "/comparisons") == "1"; }));
  Serve("m", 2);
  LetGo(id, "compare_go");
  const Job job = Await(id, Job::SUCCEEDED);
  EXPECT_EQ(job.published_version(), 3);
  EXPECT_EQ(ReadText(Folder(id) + "/comparisons"), "2");
  EXPECT_EQ(ReadText(Folder(id) + "/serving/2/model.onnx"), "served 2");
}

TEST_F(JobManagerPublishTest, APublicationLeavesOneLineInTheLog) {
  StartManager();
  ::testing::internal::CaptureStderr();
  const Job job = Await(CreateScripted("epochs=1"), Job::SUCCEEDED);
  const std::string log = ::testing::internal::GetCapturedStderr();
  const std::string line = "audit action=publish model=m caller=\"job " + job.id() + "\"";
  EXPECT_THAT(log, HasSubstr(line));
  EXPECT_EQ(log.find(line), log.rfind(line));
}

TEST_F(JobManagerPublishTest, AComparisonThatDiesIsMadeAgain) {
  Serve("m", 1);
  StartManager();
  EXPECT_EQ(Await(Create(MustBeBetter("epochs=1 lower=0.01 compare_crash=2")).id(), Job::SUCCEEDED).published_version(),
            2);
  const Job job = Await(Create(MustBeBetter("epochs=1 lower=0.01 compare_crash=3")).id(), Job::FAILED);
  EXPECT_THAT(job.reason(), AllOf(HasSubstr("3 attempts"), HasSubstr("signal 6")));
  EXPECT_TRUE(job.has_result()) << "it has been trained";
}

TEST_F(JobManagerPublishTest, AModelThatIsOnItsWayIsWaitedFor) {
  models_.Fail("m", absl::UnavailableError("model 'm' is loading"));
  StartManager();
  const std::string id = Create(MustBeBetter("epochs=1 lower=0.01")).id();
  Await(id, Job::PUBLISHING);
  Await(CreateScripted("epochs=1", "other"), Job::SUCCEEDED);
  EXPECT_EQ(Get(id).state(), Job::PUBLISHING) << "others go on meanwhile";
  Serve("m", 1);
  EXPECT_EQ(Await(id, Job::SUCCEEDED).published_version(), 2);
}

TEST_F(JobManagerPublishTest, WhatCannotBeComparedWithIsNotReplaced) {
  models_.Fail("m", absl::FailedPreconditionError("model 'm' is an ensemble"));
  StartManager();
  const Job job = Await(Create(MustBeBetter("epochs=1 lower=0.01")).id(), Job::SUCCEEDED);
  EXPECT_EQ(job.published_version(), 0);
  EXPECT_EQ(job.reason(), "not published: model 'm' is an ensemble");
}

TEST_F(JobManagerPublishTest, AJobIsCancelledWhileItIsCompared) {
  Serve("m", 1);
  StartManager();
  const std::string id = Create(MustBeBetter("epochs=1 lower=0.01 compare_hold=1")).id();
  ASSERT_TRUE(Eventually([&] { return ReadText(Folder(id) + "/comparisons") == "1"; }));
  const absl::StatusOr<Job> job = manager_->CancelJob(id);
  ASSERT_OK(job);
  EXPECT_EQ(job->state(), Job::CANCELLED);
  EXPECT_TRUE(Eventually([&] { return ProcessOf(id) == 0; }));
  EXPECT_THAT(models_.published(), IsEmpty());
}

TEST_F(JobManagerPublishTest, OldVersionsGoButNeverOnesInUse) {
  StartManager();
  v1::TrainJobSpec spec = ScriptedJob("epochs=1");
  spec.mutable_publish()->set_keep_versions(1);
  Await(Create(spec).id(), Job::SUCCEEDED);
  models_.Serve("m", 1, dir_ / "models/m/1/model.onnx");
  Await(Create(spec).id(), Job::SUCCEEDED);
  Await(Create(spec).id(), Job::SUCCEEDED);
  EXPECT_TRUE(fs::exists(dir_ / "models/m/1")) << "it serves";
  EXPECT_FALSE(fs::exists(dir_ / "models/m/2"));
  EXPECT_TRUE(fs::exists(dir_ / "models/m/3"));
}

TEST_F(JobManagerPublishTest, AResultThatCannotBePublishedIsAFailureWithItsReason) {
  StartManager();
  dir_.Write("models/m", "a file in the way");
  const Job job = Await(CreateScripted("epochs=1"), Job::FAILED);
  EXPECT_THAT(job.reason(), HasSubstr("publish: "));
  EXPECT_TRUE(job.has_result());
  EXPECT_TRUE(fs::exists(Folder(job.id()) + "/result/model.onnx"));
}

// ---------------------------------------------------------------- served models as beginnings

TEST_F(JobManagerPublishTest, AServedModelIsKeptForTheJobThatBeginsWithIt) {
  const std::string path = Serve("base", 5);
  dir_.Write("models/base/5/weights/w.bin", "external");
  StartManager();
  const std::string blocker = CreateScripted("hold_at=1");
  v1::TrainJobSpec spec = ScriptedJob("epochs=1 hold_at=1");
  spec.mutable_network()->mutable_served()->set_name("base");
  const std::string id = Create(spec).id();
  LetGo(blocker);
  ASSERT_TRUE(Eventually([&] { return ProcessOf(id) != 0; }));
  fs::remove_all(dir_ / "models/base/5");
  EXPECT_EQ(ReadText(Folder(id) + "/served/5/model.onnx"), "served 5");
  EXPECT_EQ(ReadText(Folder(id) + "/served/5/weights/w.bin"), "external");
  EXPECT_THAT(ReadText(Folder(id) + "/job.textproto"), HasSubstr("version: 5")) << "whichever is the newest later";
}

TEST_F(JobManagerPublishTest, AServedModelThatThereIsNotIsRefusedAtOnce) {
  StartManager();
  v1::TrainJobSpec spec = ScriptedJob("epochs=1");
  spec.mutable_network()->mutable_served()->set_name("none");
  EXPECT_THAT(TryCreate(spec), StatusIs(absl::StatusCode::kNotFound, HasSubstr("network.served: ")));
  models_.Fail("none", absl::UnavailableError("is loading"));
  EXPECT_THAT(TryCreate(spec), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(JobManagerPublishTest, AServedModelThatIsGoneWhenTheJobBeginsIsAFailure) {
  Serve("base", 5);
  StartManager();
  const std::string blocker = CreateScripted("hold_at=1");
  v1::TrainJobSpec spec = ScriptedJob("epochs=1");
  spec.mutable_network()->mutable_served()->set_name("base");
  const std::string id = Create(spec).id();
  models_.Fail("base", absl::UnavailableError("is loading"));
  LetGo(blocker);
  Await(blocker, Job::SUCCEEDED);
  EXPECT_EQ(Get(id).state(), Job::QUEUED) << "it may come";
  models_.Fail("base", absl::NotFoundError("no model 'base'"));
  EXPECT_THAT(Await(id, Job::FAILED).reason(), HasSubstr("network.served: no model 'base'"));
}

}  // namespace
}  // namespace beak
