#include "client/cli/job_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace beak::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

v1::TrainJob Job(const std::string& id, v1::TrainJob::State state) {
  v1::TrainJob job;
  job.set_id(id);
  job.set_state(state);
  job.mutable_spec()->set_model("mnist");
  job.set_created_ms(1'700'000'000'000);
  return job;
}

v1::TrainJob DoneJob() {
  v1::TrainJob job = Job("0b", v1::TrainJob::SUCCEEDED);
  job.set_started_ms(1'700'000'001'000);
  job.set_ended_ms(1'700'000'066'500);
  job.set_published_version(2);
  job.set_attempts(2);
  for (int i = 0; i < 2; ++i) {
    v1::EpochReport& epoch = *job.add_epoch();
    epoch.set_epoch(i);
    epoch.mutable_training()->set_loss(0.5);
    epoch.mutable_held_out()->set_loss(0.5 / (i + 1));
  }
  v1::TrainResult& result = *job.mutable_result();
  result.mutable_held_out()->set_samples(100);
  result.mutable_held_out()->set_loss(0.25);
  result.set_exported_epoch(1);
  result.add_notice("2 samples\x1b left out");
  v1::ClassScore& score = *result.add_class_score();
  score.set_name("cat");
  score.set_support(40);
  score.set_precision(0.5);
  score.set_recall(0.75);
  score.set_f1(0.6);
  v1::Comparison& comparison = *result.mutable_comparison();
  comparison.set_only_new_right(9);
  comparison.set_only_old_right(3);
  comparison.set_difference(0.06);
  comparison.set_lower_bound(0.0012);
  comparison.set_confidence(0.95);
  return job;
}

TEST(JobReportTest, JobsAreATable) {
  v1::TrainJob running = Job("0c", v1::TrainJob::RUNNING);
  running.mutable_progress()->set_epochs(5);
  running.mutable_progress()->set_epoch(2);
  running.mutable_progress()->set_step(50);
  running.mutable_progress()->set_steps(100);
  running.mutable_progress()->set_paused(true);
  v1::TrainJob failed = Job("0a", v1::TrainJob::FAILED);
  failed.set_reason("data.training.arrays.field[0].file: expected a file, got 'train.gz', which is not there");
  EXPECT_EQ(JobTable({running, DoneJob(), failed}),
            "JOB  MODEL  STATE      CREATED               PROGRESS              RESULT\n"
            "0c   mnist  running    2023-11-14T22:13:20Z  epoch 3/5 50% paused\n"
            "0b   mnist  succeeded  2023-11-14T22:13:20Z  -                     version 2\n"
            "0a   mnist  failed     2023-11-14T22:13:20Z  -                     "
            "data.training.arrays.field[0].file: expected a file, got ...\n");
}

TEST(JobReportTest, AReasonIsShortenedBetweenCharacters) {
  for (int letters = 0; letters < 2; ++letters) {
    v1::TrainJob failed = Job("0a", v1::TrainJob::FAILED);
    std::string reason(static_cast<size_t>(letters), 'x');
    while (reason.size() < 100) reason += "\xc3\xa9";
    failed.set_reason(reason);
    // Invalid UTF-8 would make JSON throw.
    EXPECT_NO_THROW((void)nlohmann::json(JobTable({failed})).dump());
  }
}

TEST(JobReportTest, AJobIsTold) {
  EXPECT_EQ(absl::StrCat("\n", JobText(DoneJob(), {.columns = 30, .rows = 3, .utf8 = false})), R"(
job        0b
model      mnist
state      succeeded
result     published as version 2 of 'mnist'
created    2023-11-14T22:13:20Z
started    2023-11-14T22:13:21Z
ended      2023-11-14T22:14:26Z
took       1:06
attempts   2
held out   loss 0.2500 on 100 held-out samples, with the weights of epoch 2
compared   accuracy +6.00%, above +0.12% with confidence 0.95; new right, old wrong: 9, the reverse: 3
note       2 samples? left out

epoch      loss  accuracy  held out  accuracy       rate  samples/s   seconds
    1    0.5000         -    0.5000         -          0          0       0.0
    2    0.5000         -    0.2500         -          0          0       0.0

CLASS  SAMPLES  PRECISION  RECALL  F1
cat    40       0.5000     0.7500  0.6000

     held-out loss
0.6 |
0.4 |********************
0.2 |                    *****
    +-------------------------
     1                 epoch 2
)");
}

TEST(JobReportTest, AJobThatRunsTellsHowFarItIs) {
  v1::TrainJob job = Job("0c", v1::TrainJob::RUNNING);
  job.mutable_progress()->set_phase(v1::TrainProgress::READING_DATA);
  const std::string text = JobText(job, ChartStyle());
  EXPECT_THAT(text, HasSubstr("state      running\n"));
  EXPECT_THAT(text, HasSubstr("progress   reading data\n"));
  EXPECT_THAT(text, Not(HasSubstr("epoch")));
}

TEST(JobReportTest, JsonHasTheNamesOfTheProtocol) {
  const nlohmann::json job = nlohmann::json::parse(ToJson(DoneJob()));
  EXPECT_EQ(job["state"], "SUCCEEDED");
  EXPECT_EQ(job["published_version"], "2") << "64-bit numbers are strings in protobuf's JSON";
  EXPECT_EQ(job["epoch"][1]["held_out"]["loss"], 0.25);
  const nlohmann::json jobs = nlohmann::json::parse(ToJson(std::vector<v1::TrainJob>{DoneJob(), DoneJob()}));
  EXPECT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[1]["id"], "0b");
  EXPECT_EQ(nlohmann::json::parse(ToJson(std::vector<v1::TrainJob>())), nlohmann::json::array());
}

TEST(JobReportTest, UpdatesAreALineOfJsonEach) {
  v1::TrainJobUpdate update;
  update.set_notice("two\nlines");
  EXPECT_EQ(ToJsonLine(update), "{\"notice\":\"two\\nlines\"}\n");
}

}  // namespace
}  // namespace beak::cli
