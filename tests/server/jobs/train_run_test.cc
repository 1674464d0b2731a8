#include "server/jobs/train_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "server/jobs/job_folders.h"
#include "tests/server/jobs/trainer_support.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using testing::Eventually;
using testing::FakeTrainer;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ReadText;
using testing::ScriptedJob;
using testing::StatusIs;
using testing::TempDir;

class TrainRunTest : public ::testing::Test {
 protected:
  void Start(const std::string& script, TrainRun::Options options = {}) {
    options.prepare = [this, script]() -> absl::StatusOr<TrainCommand> {
      ASSIGN_OR_RETURN(const std::string file, WriteJobFile(dir_.path(), ScriptedJob(script)));
      return TrainCommand{FakeTrainer(), {file, "--output=" + dir_.path()}};
    };
    StartPrepared(std::move(options));
  }
  void StartPrepared(TrainRun::Options options) {
    options.log_file = dir_ / "log.txt";
    options.told = [this](v1::TrainEvent event) {
      MutexLock lock(mutex_);
      events_.push_back(std::move(event));
    };
    options.ended = [this](RunEnd end) { end_.set_value(std::move(end)); };
    absl::StatusOr<std::unique_ptr<TrainRun>> run = TrainRun::Start(std::move(options), pacer_, Clock::Real());
    ASSERT_OK(run);
    run_ = *std::move(run);
  }
  RunEnd End() { return end_.get_future().get(); }
  void HandleAll() {
    MutexLock lock(mutex_);
    for (; handled_ < events_.size(); ++handled_) run_->Handled();
  }
  std::vector<v1::TrainEvent> events() {
    MutexLock lock(mutex_);
    return events_;
  }
  // "progress 1", "epoch 0", "result" ...
  std::vector<std::string> told() {
    std::vector<std::string> told;
    for (const v1::TrainEvent& event : events()) {
      if (event.has_progress()) told.push_back(absl::StrCat("progress ", event.progress().step()));
      if (event.has_epoch()) told.push_back(absl::StrCat("epoch ", event.epoch().epoch()));
      if (event.has_result()) told.push_back("result");
      if (event.has_failure()) told.push_back("failure " + event.failure().message());
    }
    return told;
  }

  const TempDir dir_;
  Pacer pacer_{{2}, Clock::Real()};
  Mutex mutex_;
  std::vector<v1::TrainEvent> events_ GUARDED_BY(mutex_);
  size_t handled_ GUARDED_BY(mutex_) = 0;
  std::promise<RunEnd> end_;
  std::unique_ptr<TrainRun> run_;
};

TEST_F(TrainRunTest, TellsEverythingInOrderAndThenTheEnd) {
  Start("epochs=2 steps=1");
  const RunEnd end = End();
  EXPECT_OK(end.started);
  EXPECT_OK(end.events);
  EXPECT_EQ(end.process.status, 0);
  EXPECT_THAT(told(), ElementsAre("progress 1", "epoch 0", "progress 2", "epoch 1", "result"));
}

TEST_F(TrainRunTest, OfProgressThatComesFasterTheLastIsTold) {
  TrainRun::Options options;
  options.progress_period = std::chrono::hours(1);
  Start("epochs=2 steps=100", options);
  EXPECT_EQ(End().process.status, 0);
  EXPECT_THAT(told(), ElementsAre("progress 1", "progress 100", "epoch 0", "progress 200", "epoch 1", "result"))
      << "before other events it is told in any case, for they stay in order";
}

TEST_F(TrainRunTest, ProgressThatWasHeldBackIsToldWhenItsTimeComes) {
  TrainRun::Options options;
  options.progress_period = std::chrono::milliseconds(1);
  Start("epochs=1 steps=3 hold_at=3", options);
  EXPECT_TRUE(Eventually([&] { return !told().empty() && told().back() == "progress 2"; }));
  run_->AskToEnd();
  EXPECT_EQ(End().process.status, 3);
}

TEST_F(TrainRunTest, AProcessThatTellsTooMuchWaitsForTheReader) {
  Start("notices=100000 epochs=1 steps=1");
  EXPECT_TRUE(Eventually([&] { return events().size() == 64; }));
  // It stands still now, its pipe full.
  HandleAll();
  EXPECT_TRUE(Eventually([&] { return events().size() == 128; }));
  run_->Kill();
  std::future<RunEnd> end = end_.get_future();
  while (end.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) HandleAll();
  EXPECT_EQ(end.get().process.signal, SIGKILL);
}

TEST_F(TrainRunTest, WhatItWritesGoesIntoItsLog) {
  Start("spam=1000 exit_at=1,1");
  const RunEnd end = End();
  EXPECT_EQ(end.process.status, 1);
  EXPECT_EQ(end.last_line, "an error at step 1");
  EXPECT_THAT(ReadText(dir_ / "log.txt"), HasSubstr("line 0\nline 1\n"));
}

TEST_F(TrainRunTest, GarbageEndsIt) {
  Start("garbage_at=2 hang_at=3");
  const RunEnd end = End();
  EXPECT_THAT(end.events, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(end.process.signal, SIGKILL);
  EXPECT_THAT(told(), ElementsAre("progress 1"));
}

TEST_F(TrainRunTest, ItIsAskedToEndAndLeavesACheckpoint) {
  Start("epochs=1 steps=1000000 step_us=100");
  EXPECT_TRUE(Eventually([&] {
    HandleAll();
    return !told().empty();
  }));
  run_->AskToEnd();
  std::future<RunEnd> end = end_.get_future();
  while (end.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) HandleAll();
  EXPECT_EQ(end.get().process.status, 3);
  EXPECT_NE(ReadText(dir_ / "checkpoint"), "");
}

TEST_F(TrainRunTest, APausedProcessIsContinuedBeforeItIsAskedToEnd) {
  TrainRun::Options options;
  options.threads = 2;
  Start("hold_at=2", options);
  EXPECT_TRUE(Eventually([&] { return !told().empty(); }));
  pacer_.SetLanesBusy(2);
  EXPECT_TRUE(Eventually([&] { return run_->paused_time() > std::chrono::milliseconds(3); }));
  run_->AskToEnd();
  EXPECT_EQ(End().process.status, 3);
  EXPECT_GT(pacer_.TotalPausedTime(), std::chrono::milliseconds(3));
}

TEST_F(TrainRunTest, ATimeLimitIsKept) {
  TrainRun::Options options;
  options.time_limit = std::chrono::milliseconds(20);
  Start("hang_at=1", options);
  const RunEnd end = End();
  EXPECT_TRUE(end.timed_out);
  EXPECT_EQ(end.process.signal, SIGKILL);
}

TEST_F(TrainRunTest, PipesThatSomebodyElseHoldsDoNotHoldItUp) {
  Start("epochs=1 steps=1 child=1");
  EXPECT_EQ(End().process.status, 0);
  EXPECT_EQ(told().back(), "result");
}

TEST_F(TrainRunTest, AProcessThatClosesItsPipesIsWaitedFor) {
  TrainRun::Options options;
  options.prepare = [] { return TrainCommand{"/bin/sh", {"-c", "exec 1>&- 2>&- 3>&-; sleep 0.05; exit 5"}}; };
  StartPrepared(options);
  EXPECT_EQ(End().process.status, 5);
}

TEST_F(TrainRunTest, WhatCannotBePreparedOrStartedIsSaid) {
  TrainRun::Options options;
  options.prepare = [] { return absl::NotFoundError("no such model"); };
  StartPrepared(options);
  EXPECT_THAT(End().started, StatusIs(absl::StatusCode::kNotFound, "no such model"));

  end_ = {};
  options.prepare = [] { return TrainCommand{"/none", {}}; };
  StartPrepared(options);
  EXPECT_THAT(End().started, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("'/none'"))) << "it may come back";
}

TEST_F(TrainRunTest, WhoIsAskedToEndBeforeItHasStartedNeverStarts) {
  std::promise<void> go;
  TrainRun::Options options;
  options.prepare = [&go] {
    go.get_future().wait();
    return TrainCommand{"/bin/sh", {"-c", "exit 0"}};
  };
  StartPrepared(options);
  run_->AskToEnd();
  go.set_value();
  EXPECT_THAT(End().started, StatusIs(absl::StatusCode::kCancelled));
}

}  // namespace
}  // namespace beak
