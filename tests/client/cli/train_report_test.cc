#include "client/cli/train_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace beak::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

v1::TrainProgress Progress() {
  v1::TrainProgress progress;
  progress.set_phase(v1::TrainProgress::TRAINING);
  progress.set_step(1234);
  progress.set_steps(4690);
  progress.set_epoch(1);
  progress.set_epochs(5);
  progress.set_loss(0.08123);
  progress.set_learning_rate(0.001);
  progress.set_samples_per_second(1834.4);
  progress.set_seconds_left(61.2);
  return progress;
}

v1::EpochReport Epoch() {
  v1::EpochReport epoch;
  epoch.set_epoch(2);
  epoch.mutable_training()->set_loss(0.24312);
  epoch.mutable_training()->set_accuracy(0.92841);
  epoch.mutable_held_out()->set_loss(0.0712);
  epoch.mutable_held_out()->set_accuracy(1);
  epoch.set_learning_rate(0.001);
  epoch.set_samples_per_second(1834);
  epoch.set_seconds(32.14);
  return epoch;
}

TEST(TrainReportTest, EpochsAreRowsBelowTheirHeader) {
  v1::EpochReport best = Epoch();
  best.set_epoch(999);
  best.set_best(true);
  best.set_learning_rate(1.25e-7);
  v1::EpochReport bare;
  bare.mutable_training()->set_loss(12.5);
  EXPECT_EQ(EpochHeader(), "epoch      loss  accuracy  held out  accuracy       rate  samples/s   seconds");
  EXPECT_EQ(EpochRow(Epoch()), "    3    0.2431    92.84%    0.0712   100.00%      0.001       1834      32.1");
  EXPECT_EQ(EpochRow(best), " 1000    0.2431    92.84%    0.0712   100.00%   1.25e-07       1834      32.1 *");
  EXPECT_EQ(EpochRow(bare), "    1   12.5000         -         -         -          0          0       0.0");
}

TEST(TrainReportTest, ProgressIsALine) {
  EXPECT_EQ(ProgressLine(Progress(), LineStyle()),
            "training  epoch 2/5  step 1234/4690  loss 0.0812  rate 0.001  1834 samples/s  1:02 left");
  v1::TrainProgress reading;
  EXPECT_EQ(ProgressLine(reading, LineStyle()), "reading data");
  reading.set_phase(v1::TrainProgress::EXPORTING);
  EXPECT_EQ(ProgressLine(reading, LineStyle()), "writing the result");
  v1::TrainProgress last = Progress();
  last.set_phase(v1::TrainProgress::EVALUATING);
  last.set_epoch(5);
  EXPECT_THAT(ProgressLine(last, LineStyle()), HasSubstr("measuring  epoch 5/5")) << "not the sixth";
}

TEST(TrainReportTest, APausedJobSaysWhy) {
  v1::TrainProgress progress = Progress();
  progress.set_paused(true);
  EXPECT_EQ(ProgressLine(progress, LineStyle()),
            "training  epoch 2/5  step 1234/4690  loss 0.0812  rate 0.001  paused: serving needs the cores");
}

TEST(TrainReportTest, TheBarTakesTheRoomThatThereIs) {
  EXPECT_EQ(
      ProgressLine(Progress(), {119, false}),
      "training  epoch 2/5  [####              ]  26%  step 1234/4690  loss 0.0812  rate 0.001      1834 samples/s  "
      " 1:02 left");
  EXPECT_THAT(ProgressLine(Progress(), {119, true}), HasSubstr("[\u2588\u2588\u2588\u2588\u258b             ]  26%"));
  EXPECT_THAT(ProgressLine(Progress(), {400, false}), HasSubstr("[#######                       ]  26%"));
  for (const int columns : {1, 10, 40, 60, 79, 95, 100, 110, 130}) {
    EXPECT_LE(ProgressLine(Progress(), {columns, false}).size(), static_cast<size_t>(columns));
  }
}

TEST(TrainReportTest, NumbersThatTheBarStandsForMakeRoomForIt) {
  EXPECT_EQ(ProgressLine(Progress(), {99, false}),
            "training  epoch 2/5  [###          ]  26%  step 1234/4690  loss 0.0812   1834 samples/s   1:02 left");
  EXPECT_EQ(ProgressLine(Progress(), {79, false}),
            "training  epoch 2/5  [##       ]  26%  loss 0.0812   1834 samples/s   1:02 left");
  EXPECT_EQ(ProgressLine(Progress(), {60, false}), "training  epoch 2/5  loss 0.0812   1834 samples/s   1:02 lef");
}

TEST(TrainReportTest, NothingJumpsWhileNumbersGrow) {
  v1::TrainProgress progress = Progress();
  progress.set_step(9);
  progress.set_seconds_left(3000);
  const size_t bracket = ProgressLine(progress, {130, false}).find(']');
  progress.set_step(4000);
  progress.set_seconds_left(9);
  progress.set_learning_rate(1.25e-5);
  progress.set_samples_per_second(12'345);
  EXPECT_EQ(ProgressLine(progress, {130, false}).find(']'), bracket);
}

TEST(TrainReportTest, OnlyTrainingHasALossThatChanges) {
  v1::TrainProgress progress = Progress();
  for (const auto phase : {v1::TrainProgress::EVALUATING, v1::TrainProgress::EXPORTING}) {
    progress.set_phase(phase);
    EXPECT_THAT(ProgressLine(progress, LineStyle()), Not(HasSubstr("loss")));
  }
}

TEST(TrainReportTest, TheBarEndsFull) {
  v1::TrainProgress progress = Progress();
  progress.set_step(4690);
  EXPECT_THAT(ProgressLine(progress, {400, false}), HasSubstr("[##############################] 100%"));
  progress.set_step(4689);
  EXPECT_THAT(ProgressLine(progress, {400, false}), HasSubstr("99%")) << "not before the end";
  progress.set_step(5000);
  EXPECT_THAT(ProgressLine(progress, {400, true}), HasSubstr("100%")) << "whatever the server says";
  progress.set_step(-7);
  EXPECT_THAT(ProgressLine(progress, {400, true}), HasSubstr("]   0%"));
}

TEST(TrainReportTest, TimesThatNobodyKnowsAreLeftOut) {
  EXPECT_EQ(Duration(0.2), "0:01");
  EXPECT_EQ(Duration(3909), "1:05:09");
  for (const double seconds : {-1.0, 1e300, std::numeric_limits<double>::quiet_NaN()}) {
    EXPECT_EQ(Duration(seconds), "") << seconds;
    v1::TrainProgress progress = Progress();
    progress.set_seconds_left(seconds);
    EXPECT_THAT(ProgressLine(progress, LineStyle()), Not(HasSubstr("left")));
  }
}

TEST(TrainReportTest, TheEndSaysWhetherAndWhyNot) {
  v1::TrainJob job;
  job.mutable_spec()->set_model("mnist");
  job.set_state(v1::TrainJob::SUCCEEDED);
  job.set_published_version(3);
  EXPECT_EQ(EndText(job), "published as version 3 of 'mnist'");
  job.set_published_version(0);
  job.set_reason("accuracy 0.91 is below 0.97");
  EXPECT_EQ(EndText(job), "not published: accuracy 0.91 is below 0.97");
  job.set_state(v1::TrainJob::FAILED);
  job.set_reason("data.training: expected\n a file\x1b[2J");
  EXPECT_EQ(EndText(job), "failed: data.training: expected  a file?[2J");
  job.set_state(v1::TrainJob::CANCELLED);
  job.clear_reason();
  EXPECT_EQ(EndText(job), "cancelled");
}

TEST(TrainReportTest, ScoresAreThoseOfTheExportedNetwork) {
  v1::TrainJob job;
  EXPECT_EQ(ScoreText(job), "");
  job.mutable_result()->set_exported_epoch(3);
  v1::Scores& scores = *job.mutable_result()->mutable_held_out();
  scores.set_samples(5000);
  scores.set_loss(0.03125);
  EXPECT_EQ(ScoreText(job), "loss 0.0312 on 5000 held-out samples, with the weights of epoch 4");
  scores.set_accuracy(0.991);
  scores.set_top5_accuracy(0.9999);
  EXPECT_EQ(ScoreText(job),
            "loss 0.0312, accuracy 99.10%, among the first five 99.99% on 5000 held-out samples, with the weights of "
            "epoch 4");
}

TEST(TrainReportTest, NoControlCharacterGetsThrough) {
  std::string text;
  for (int c = 0; c < 0x20; ++c) text += static_cast<char>(c);
  const std::string printable = Printable(text +
                                          "\x7f\xc2\x9b"
                                          "31m \xc3\xa9");
  EXPECT_THAT(printable, SizeIs(32 + 1 + 1 + 4 + 2));
  EXPECT_EQ(printable.find_first_of(text), std::string::npos);
  EXPECT_THAT(printable, HasSubstr("??31m \xc3\xa9")) << "other letters stay";
}

}  // namespace
}  // namespace beak::cli
