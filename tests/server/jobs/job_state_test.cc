#include "server/jobs/job_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace beak {

void PrintTo(const JobStep& step, std::ostream* os) { *os << static_cast<int>(step.action) << " of " << step.id; }

namespace {

using Job = v1::TrainJob;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Job::State kStates[] = {Job::UNKNOWN,   Job::QUEUED, Job::RUNNING,  Job::PUBLISHING,
                                  Job::SUCCEEDED, Job::FAILED, Job::CANCELLED};

TEST(JobStateTest, OnlyTheStepsOfTheChainMayFollow) {
  const std::set<std::pair<Job::State, Job::State>> steps = {
      {Job::QUEUED, Job::RUNNING},       {Job::QUEUED, Job::FAILED},     {Job::QUEUED, Job::CANCELLED},
      {Job::RUNNING, Job::PUBLISHING},   {Job::RUNNING, Job::FAILED},    {Job::RUNNING, Job::CANCELLED},
      {Job::RUNNING, Job::QUEUED},       {Job::PUBLISHING, Job::FAILED}, {Job::PUBLISHING, Job::CANCELLED},
      {Job::PUBLISHING, Job::SUCCEEDED},
  };
  for (const Job::State from : kStates) {
    for (const Job::State to : kStates) {
      EXPECT_EQ(MayFollow(from, to), steps.count({from, to}) == 1) << NameOf(from) << " -> " << NameOf(to);
    }
  }
}

TEST(JobStateTest, NothingFollowsTheEnd) {
  for (const Job::State from : kStates) {
    bool any = false;
    for (const Job::State to : kStates) any = any || MayFollow(from, to);
    EXPECT_EQ(any, from != Job::UNKNOWN && !HasEnded(from)) << NameOf(from);
  }
}

TEST(JobStateTest, EachStateHasAName) {
  std::set<std::string> names;
  for (const Job::State state : kStates) names.insert(NameOf(state));
  EXPECT_EQ(names.size(), std::size(kStates));
}

// ---------------------------------------------------------------- the next steps

const MonotonicTime kNow = MonotonicTime(std::chrono::hours(1));

JobView Queued(const std::string& id) { return {.id = id, .state = Job::QUEUED}; }
JobView Running(const std::string& id) { return {.id = id, .state = Job::RUNNING, .process = true}; }

std::vector<JobStep> Next(const std::vector<JobView>& jobs, int max_running = 1, bool ending = false) {
  return NextSteps(jobs, max_running, ending, kNow);
}

JobStep Start(const std::string& id) { return {JobAction::kStart, id}; }
JobStep Stop(const std::string& id) { return {JobAction::kStop, id}; }
JobStep Cancel(const std::string& id) { return {JobAction::kCancel, id}; }
JobStep Requeue(const std::string& id) { return {JobAction::kRequeue, id}; }
JobStep Publish(const std::string& id) { return {JobAction::kPublish, id}; }

TEST(NextStepsTest, NothingIsToBeDoneWithoutJobs) { EXPECT_THAT(Next({}), IsEmpty()); }

TEST(NextStepsTest, TheOldestStartFirstAsFarAsTheLimitLets) {
  const std::vector<JobView> jobs = {Queued("a"), Queued("b"), Queued("c")};
  EXPECT_THAT(Next(jobs, 0), IsEmpty());
  EXPECT_THAT(Next(jobs, 1), ElementsAre(Start("a")));
  EXPECT_THAT(Next(jobs, 2), ElementsAre(Start("a"), Start("b")));
  EXPECT_THAT(Next(jobs, 9), ElementsAre(Start("a"), Start("b"), Start("c")));
}

TEST(NextStepsTest, RunningJobsCount) {
  EXPECT_THAT(Next({Running("a"), Queued("b")}, 1), IsEmpty());
  EXPECT_THAT(Next({Running("a"), Queued("b"), Queued("c")}, 2), ElementsAre(Start("b")));
  EXPECT_THAT(Next({Running("a"), Running("b"), Queued("c")}, 1), IsEmpty());
}

TEST(NextStepsTest, AProcessCountsUntilItHasEnded) {
  const JobView cancelled = {.id = "a", .state = Job::CANCELLED, .process = true, .stop_asked = true};
  EXPECT_THAT(Next({cancelled, Queued("b")}, 1), IsEmpty());
}

TEST(NextStepsTest, AProcessIsToldToEndOnce) {
  EXPECT_THAT(Next({{.id = "a", .state = Job::CANCELLED, .process = true}}), ElementsAre(Stop("a")));
  EXPECT_THAT(Next({{.id = "a", .state = Job::CANCELLED, .process = true, .stop_asked = true}}), IsEmpty());
  EXPECT_THAT(Next({{.id = "a", .state = Job::FAILED, .process = true}}), ElementsAre(Stop("a")));
}

TEST(NextStepsTest, ACancelledJobIsNotStarted) {
  JobView cancelled = Queued("a");
  cancelled.cancel = true;
  EXPECT_THAT(Next({cancelled, Queued("b")}), ElementsAre(Cancel("a"), Start("b")));
}

TEST(NextStepsTest, ARunningJobIsCancelledAndStopped) {
  JobView running = Running("a");
  running.cancel = true;
  EXPECT_THAT(Next({running, Queued("b")}), ElementsAre(Cancel("a"), Stop("a")));
}

TEST(NextStepsTest, WhatIsBeingPublishedIsNotCancelled) {
  JobView job = {.id = "a", .state = Job::PUBLISHING, .cancel = true, .publishing = true};
  EXPECT_THAT(Next({job}), IsEmpty());
  job.publishing = false;
  EXPECT_THAT(Next({job}), ElementsAre(Cancel("a")));
}

TEST(NextStepsTest, WhatHasEndedIsNotCancelled) {
  EXPECT_THAT(Next({{.id = "a", .state = Job::SUCCEEDED, .cancel = true}}), IsEmpty());
}

TEST(NextStepsTest, AJobIsPublishedOnce) {
  EXPECT_THAT(Next({{.id = "a", .state = Job::PUBLISHING}}), ElementsAre(Publish("a")));
  EXPECT_THAT(Next({{.id = "a", .state = Job::PUBLISHING, .publishing = true}}), IsEmpty());
  // Its process still compares it with what serves.
  EXPECT_THAT(Next({{.id = "a", .state = Job::PUBLISHING, .process = true}}), IsEmpty());
}

TEST(NextStepsTest, PublishingTakesNoPlaceOfARunningJob) {
  EXPECT_THAT(Next({{.id = "a", .state = Job::PUBLISHING, .publishing = true}, Queued("b")}), ElementsAre(Start("b")));
}

TEST(NextStepsTest, WhatRanUnderAnEarlierServerIsQueuedAgain) {
  EXPECT_THAT(Next({{.id = "a", .state = Job::RUNNING}, Queued("b")}, 2), ElementsAre(Requeue("a"), Start("b")));
}

TEST(NextStepsTest, AJobWaitsForItsTimeAndHoldsUpNoOther) {
  JobView later = Queued("a");
  later.not_before = kNow + std::chrono::seconds(1);
  EXPECT_THAT(Next({later, Queued("b")}), ElementsAre(Start("b")));
  later.not_before = kNow;
  EXPECT_THAT(Next({later, Queued("b")}), ElementsAre(Start("a")));
}

TEST(NextStepsTest, AJobIsNotStartedWhileItsLastProcessLives) {
  EXPECT_THAT(Next({{.id = "a", .state = Job::QUEUED, .process = true, .stop_asked = true}}, 2), IsEmpty());
}

TEST(NextStepsTest, TheEndStopsProcessesAndBeginsNothing) {
  const std::vector<JobView> jobs = {
      Running("a"), {.id = "b", .state = Job::RUNNING}, {.id = "c", .state = Job::PUBLISHING}, Queued("d")};
  EXPECT_THAT(Next(jobs, 9, true), ElementsAre(Stop("a")));
}

TEST(NextStepsTest, ACancellationCountsAtTheEndToo) {
  JobView cancelled = Queued("a");
  cancelled.cancel = true;
  EXPECT_THAT(Next({cancelled}, 1, true), ElementsAre(Cancel("a")));
}

}  // namespace
}  // namespace beak
