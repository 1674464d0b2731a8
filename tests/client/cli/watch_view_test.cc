#include "client/cli/watch_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <optional>
#include <string>

#include "client/cli/train_report.h"
#include "tests/client/support/fake_train_server.h"
#include "tests/support/fake_clock.h"

namespace beak::cli {
namespace {

using ::beak::testing::Notice;
using ::beak::testing::Update;
using ::testing::HasSubstr;

constexpr char kHeader[] = "epoch      loss  accuracy  held out  accuracy       rate  samples/s   seconds\n";

// A file whose contents can be looked at.
class Memory {
 public:
  Memory() : file_(open_memstream(&text_, &size_)) {}
  ~Memory() {
    fclose(file_);
    free(text_);
  }
  FILE* file() { return file_; }
  std::string text() {
    fflush(file_);
    return std::string(text_, size_);
  }

 private:
  char* text_ = nullptr;
  size_t size_ = 0;
  FILE* file_;
};

class WatchViewTest : public ::testing::Test {
 protected:
  WatchView& Plain() {
    return view_.emplace(WatchView::Options{table_.file(), progress_.file(), nullptr, false}, clock_);
  }
  // Table and progress share a terminal.
  WatchView& OnTerminal(int columns) {
    return view_.emplace(WatchView::Options{table_.file(), table_.file(), [columns] { return columns; }, false},
                         clock_);
  }

  static v1::TrainJob Job(v1::TrainJob::State state, int epochs) {
    v1::TrainJob job;
    job.set_state(state);
    for (int i = 0; i < epochs; ++i) *job.add_epoch() = Epoch(i);
    return job;
  }
  static v1::EpochReport Epoch(int number) {
    v1::EpochReport epoch;
    epoch.set_epoch(number);
    return epoch;
  }
  static v1::TrainProgress Progress(int step) {
    v1::TrainProgress progress;
    progress.set_phase(v1::TrainProgress::TRAINING);
    progress.set_step(step);
    progress.set_steps(1000);
    return progress;
  }
  static std::string Row(int number) {
    return "    " + std::to_string(number) +
           "         -         -         -         -          0          0       0.0\n";
  }
  static std::string Line(int step) { return ProgressLine(Progress(step), LineStyle()); }
  static std::string Line(int step, int columns) { return ProgressLine(Progress(step), {columns, false}); }

  testing::FakeClock clock_;
  Memory table_;
  Memory progress_;
  std::optional<WatchView> view_;
};

TEST_F(WatchViewTest, EpochsAreATable) {
  WatchView& view = Plain();
  view.Tell(Update(Job(v1::TrainJob::RUNNING, 2)));
  view.Tell(Update(Epoch(2)));
  EXPECT_EQ(table_.text(), kHeader + Row(1) + Row(2) + Row(3));
  EXPECT_EQ(progress_.text(), "running\n");
}

TEST_F(WatchViewTest, AnEpochIsToldOnce) {
  WatchView& view = Plain();
  view.Tell(Update(Job(v1::TrainJob::RUNNING, 1)));
  view.Tell(Update(Epoch(1)));
  view.Tell(Update(Job(v1::TrainJob::RUNNING, 3)));  // the server is back; one was missed
  view.Tell(Update(Epoch(2)));                       // the job went back to its last checkpoint
  view.Tell(Update(Job(v1::TrainJob::SUCCEEDED, 3)));
  EXPECT_EQ(table_.text(), kHeader + Row(1) + Row(2) + Row(3));
  EXPECT_EQ(progress_.text(), "running\n");
}

TEST_F(WatchViewTest, PlainLinesComeNowAndThen) {
  WatchView& view = Plain();
  for (int step = 1; step <= 100; ++step) {
    view.Tell(Update(Progress(step)));
    clock_.Advance(std::chrono::milliseconds(250));
  }
  EXPECT_EQ(progress_.text(), Line(1) + "\n" + Line(41) + "\n" + Line(81) + "\n");
}

TEST_F(WatchViewTest, APauseIsToldAtOnce) {
  WatchView& view = Plain();
  v1::TrainProgress progress = Progress(1);
  view.Tell(Update(progress));
  progress.set_paused(true);
  view.Tell(Update(progress));
  view.Tell(Update(progress));
  EXPECT_EQ(progress_.text(),
            Line(1) + "\ntraining  step 1/1000  loss 0.0000  rate 0  paused: serving needs the cores\n");
}

TEST_F(WatchViewTest, WithoutATerminalThereAreNoControlCharacters) {
  WatchView& view = Plain();
  view.Tell(Update(Job(v1::TrainJob::QUEUED, 0)));
  view.Tell(Notice("bad\x1b[31m picture\r"));
  view.Tell(Update(Progress(1)));
  view.Lost(absl::UnavailableError("gone\x1b"));
  view.Tell(Update(Epoch(0)));
  view.Clear();
  EXPECT_EQ(progress_.text(), "queued\nnote: bad?[31m picture?\n" + Line(1) +
                                  "\nthe server is away, waiting for it: UNAVAILABLE: gone?\n");
  EXPECT_EQ((table_.text() + progress_.text()).find_first_of("\r\x1b"), std::string::npos);
}

TEST_F(WatchViewTest, OnATerminalALineIsWrittenAgainAndAgain) {
  WatchView& view = OnTerminal(80);
  view.Tell(Update(Job(v1::TrainJob::QUEUED, 0)));
  view.Tell(Update(Progress(1)));
  view.Tell(Update(Progress(2)));
  view.Tell(Update(Epoch(0)));
  view.Tell(Update(Progress(3)));
  view.Clear();
  view.Clear();
  const std::string clear = "\r\033[K";
  EXPECT_EQ(table_.text(), clear + "queued" + clear + Line(1, 79) + clear + Line(2, 79) + clear + kHeader + Row(1) +
                               clear + Line(3, 79) + clear);
}

TEST_F(WatchViewTest, ALineLeavesTheTerminalsLastColumnFree) {
  for (const int columns : {0, 1, 12}) {
    const std::string before = table_.text();
    OnTerminal(columns).Tell(Update(Progress(1)));
    view_.reset();
    const std::string line = table_.text().substr(before.size());
    EXPECT_EQ(line, "\r\033[K" + Line(1, std::max(1, columns - 1)) + "\r\033[K");
  }
}

TEST_F(WatchViewTest, ARunningJobIsToldWithItsProgress) {
  WatchView& view = Plain();
  v1::TrainJob job = Job(v1::TrainJob::RUNNING, 0);
  *job.mutable_progress() = Progress(5);
  view.Tell(Update(job));
  EXPECT_EQ(progress_.text(), "running\n" + Line(5) + "\n");
  view.Tell(v1::TrainJobUpdate());
  EXPECT_EQ(progress_.text(), "running\n" + Line(5) + "\n") << "an update of a newer server says nothing";
}

}  // namespace
}  // namespace beak::cli
