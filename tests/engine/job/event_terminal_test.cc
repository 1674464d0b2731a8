#include "engine/job/event_terminal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "tests/support/fake_clock.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// A file that is gone with the test.
class Sheet {
 public:
  ~Sheet() { std::fclose(file_); }
  FILE* file() const { return file_; }
  std::string text() const {
    std::string text(static_cast<size_t>(std::ftell(file_)), ' ');
    std::rewind(file_);
    EXPECT_EQ(std::fread(text.data(), 1, text.size(), file_), text.size());
    return text;
  }

 private:
  FILE* file_ = std::tmpfile();
};

class EventTerminalTest : public ::testing::Test {
 protected:
  EventTerminal Terminal(bool rewrite) { return EventTerminal({table_.file(), progress_.file(), rewrite}, clock_); }

  static v1::TrainProgress Progress(int64_t step) {
    v1::TrainProgress progress;
    progress.set_phase(v1::TrainProgress::TRAINING);
    progress.set_step(step);
    progress.set_steps(100);
    progress.set_epoch(1);
    progress.set_epochs(4);
    progress.set_loss(0.5);
    progress.set_samples_per_second(1234);
    progress.set_seconds_left(61);
    return progress;
  }

  static v1::EpochReport Epoch() {
    v1::EpochReport epoch;
    epoch.set_epoch(1);
    epoch.mutable_training()->set_loss(0.25);
    epoch.mutable_training()->set_accuracy(0.875);
    epoch.mutable_held_out()->set_loss(0.375);
    epoch.set_learning_rate(0.001);
    epoch.set_seconds(12.5);
    epoch.set_best(true);
    return epoch;
  }

  testing::FakeClock clock_;
  Sheet table_, progress_;
};

TEST_F(EventTerminalTest, RewritesItsLastLineOnATerminal) {
  EventTerminal terminal = Terminal(true);
  terminal.Progress(Progress(25));
  terminal.Progress(Progress(50));
  terminal.Epoch(Epoch());
  const std::string progress = progress_.text();
  EXPECT_THAT(progress,
              HasSubstr("epoch 2/4 [======                  ]  25 %  loss 0.5000  1234 samples/s  1:01 left"));
  EXPECT_THAT(progress, HasSubstr("\r\033[Kepoch 2/4 [============            ]  50 %"));
  EXPECT_THAT(progress, Not(HasSubstr("\n"))) << "it was taken away for the table";
  EXPECT_TRUE(progress.ends_with("\r\033[K"));
}

TEST_F(EventTerminalTest, IntoAFileALineNowAndThen) {
  EventTerminal terminal = Terminal(false);
  for (int64_t step = 0; step < 60; ++step) {
    terminal.Progress(Progress(step));
    clock_.Advance(std::chrono::milliseconds(500));
  }
  const std::string progress = progress_.text();
  EXPECT_EQ(std::count(progress.begin(), progress.end(), '\n'), 3) << progress;
  EXPECT_THAT(progress, AllOf(HasSubstr("  0 %"), HasSubstr(" 20 %"), HasSubstr(" 40 %"), Not(HasSubstr("\r"))));
}

TEST_F(EventTerminalTest, PrintsATableOfEpochs) {
  EventTerminal terminal = Terminal(false);
  terminal.Epoch(Epoch());
  v1::EpochReport second = Epoch();
  second.set_epoch(2);
  second.clear_held_out();
  second.clear_best();
  terminal.Epoch(second);
  v1::TrainResult result;
  result.set_parameters(100);
  result.set_exported_epoch(1);
  result.mutable_held_out()->set_samples(7);
  result.mutable_held_out()->set_accuracy(0.9);
  result.mutable_comparison()->set_difference(0.01);
  result.mutable_comparison()->set_lower_bound(-0.02);
  result.mutable_comparison()->set_confidence(0.95);
  terminal.Result(result);
  const std::string table = table_.text();
  EXPECT_THAT(table, StartsWith("epoch      loss  accuracy    held out  accuracy       rate  seconds  samples/s\n"
                                "    2    0.2500    87.50%      0.3750         -      0.001     12.5          0  best\n"
                                "    3    0.2500    87.50%           -         -      0.001     12.5          0\n"));
  EXPECT_THAT(table, HasSubstr("100 parameters"));
  EXPECT_THAT(table, HasSubstr("epoch 2; on 7 held-out samples: loss 0.0000, accuracy 90.00%\n"));
  EXPECT_THAT(table, HasSubstr("accuracy +1.00%, above -2.00% with confidence 0.95"));
}

TEST_F(EventTerminalTest, StrangeNumbersAreNoTrouble) {
  EventTerminal terminal = Terminal(false);
  v1::TrainProgress progress = Progress(500);  // of 100
  progress.set_loss(std::nan(""));
  progress.set_seconds_left(HUGE_VAL);
  terminal.Progress(progress);
  EXPECT_THAT(progress_.text(), HasSubstr("[========================] 500 %  loss nan  1234 samples/s\n"));
  terminal.Reading(0, 0);
}

}  // namespace
}  // namespace beak
