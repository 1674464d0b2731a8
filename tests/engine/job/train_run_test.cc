#include "engine/job/train_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/process.h"
#include "engine/data/augment.h"
#include "engine/formats/onnx/onnx_writer.h"
#include "engine/job/evaluate.h"
#include "engine/onednn/backend.h"
#include "tests/engine/job/small_jobs.h"
#include "tests/support/fake_clock.h"
#include "tests/support/sanitizers.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using testing::FakeClock;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOkAndHolds;
using testing::Parse;
using testing::PictureJob;
using testing::Recorder;
using testing::SmallJob;
using testing::StatusIs;
using testing::TempDir;
using testing::TickingClock;
using Change = std::function<void(SmallJob&)>;

// A process that trains: goes on from what the folder has, if there is one.
absl::StatusOr<Trained> RunOnce(const SmallJob& job, Recorder& events, const Clock& clock,
                                const std::string& folder = "", std::function<bool()> stop = nullptr) {
  TrainRunOptions options;
  options.stop = std::move(stop);
  std::unique_ptr<CheckpointStore> store;
  std::optional<Checkpoint> checkpoint;
  if (!folder.empty()) {
    ASSIGN_OR_RETURN(store, CheckpointStore::Open(folder));
    std::vector<std::string> notices;
    ASSIGN_OR_RETURN(checkpoint, store->ReadNewest(notices));
    EXPECT_THAT(notices, IsEmpty());
    options.checkpoints = store.get();
  }
  ASSIGN_OR_RETURN(const auto run,
                   TrainRun::Create(job.network, job.plan, job.data, CpuBackend(), events, clock, options));
  if (checkpoint) RETURN_IF_ERROR(run->Resume(*checkpoint));
  return run->Run();
}

std::string Bytes(const absl::StatusOr<Trained>& trained) {
  EXPECT_OK(trained.status());
  if (!trained.ok()) return "";
  const absl::StatusOr<std::string> bytes = WriteOnnx(trained->network);
  EXPECT_OK(bytes.status());
  return bytes.ok() ? *bytes : "";
}

// What must not depend on when somebody looked.
std::string WithoutTimes(std::vector<v1::EpochReport> epochs) {
  std::string text;
  for (v1::EpochReport& epoch : epochs) {
    epoch.clear_seconds();
    epoch.clear_samples_per_second();
    text += epoch.DebugString();
  }
  return text;
}

// ---------------------------------------------------------------- a whole run

TEST(TrainRunTest, LearnsAndTellsHow) {
  const SmallJob job = PictureJob([](SmallJob& small) { small.plan.epochs = 12; });
  Recorder events;
  const TickingClock clock(std::chrono::milliseconds(1));
  ASSERT_OK_AND_ASSIGN(const Trained trained, RunOnce(job, events, clock));
  ASSERT_EQ(events.epochs.size(), 12u);
  EXPECT_EQ(WithoutTimes(trained.epochs), WithoutTimes(events.epochs));
  EXPECT_EQ(trained.epoch, 11);
  EXPECT_FALSE(trained.stopped_early);
  EXPECT_GT(trained.seconds, 0);
  const v1::EpochReport &first = events.epochs.front(), &last = events.epochs.back();
  EXPECT_EQ(first.epoch(), 0);
  EXPECT_EQ(first.steps(), 4);
  EXPECT_EQ(first.training().samples(), 26);
  EXPECT_EQ(first.held_out().samples(), 7);
  EXPECT_TRUE(first.best()) << "there is none before it";
  EXPECT_EQ(last.steps(), 48);
  EXPECT_EQ(last.learning_rate(), 0.01);
  EXPECT_GT(last.seconds(), 0);
  EXPECT_GT(last.samples_per_second(), 0);
  EXPECT_LT(last.training().loss(), 0.5 * first.training().loss());
  EXPECT_GT(last.training().accuracy(), 0.8);
  // What is exported is what was measured.
  ASSERT_OK_AND_ASSIGN(const Evaluation evaluation,
                       Evaluate(trained.network, job.plan, job.data.held_out, CpuBackend()));
  EXPECT_EQ(evaluation.scores.SerializeAsString(), last.held_out().SerializeAsString());
  ASSERT_FALSE(events.progress.empty());
  EXPECT_EQ(events.progress.back().phase(), v1::TrainProgress::EXPORTING);
  EXPECT_EQ(events.progress.back().step(), job.plan.steps);
}

TEST(TrainRunTest, TheScoresOfAnEpochAreThoseOfItsBatches) {
  // One batch an epoch and no dropout: the network of before the step, on all samples.
  const SmallJob job = PictureJob([](SmallJob& small) {
    small.network = Parse(
        "graph g\ninput x float32 [n, 1, 6, 6]\nh = Flatten(x)\nconst w float32 [36, 3] = fill 0.0\n"
        "y = MatMul(h, w)\np = Softmax(y)\noutput p");
    small.plan.loading.batch_size = 26;
    small.plan.epochs = 2;
    small.data.held_out = small.data.training;
  });
  Recorder events;
  ASSERT_OK(RunOnce(job, events, FakeClock()).status());
  EXPECT_NEAR(events.epochs[0].training().loss(), std::log(3), 1e-6);
  EXPECT_NEAR(events.epochs[1].training().loss(), events.epochs[0].held_out().loss(), 1e-6);
  EXPECT_EQ(events.epochs[1].training().accuracy(), events.epochs[0].held_out().accuracy());
}

TEST(TrainRunTest, TellsHowFarItIsTwiceASecond) {
  const SmallJob job = PictureJob([](SmallJob& small) { small.plan.epochs = 20; });
  Recorder events;
  const TickingClock clock(std::chrono::milliseconds(5));
  const MonotonicTime begin = clock.Now();
  ASSERT_OK(RunOnce(job, events, clock).status());
  const double seconds = Seconds(clock.Now() - begin);
  EXPECT_GT(events.progress.size(), 2u);
  EXPECT_LE(static_cast<double>(events.progress.size()), 2 * seconds + 2);
  int64_t step = 0;
  for (const v1::TrainProgress& progress : events.progress) {
    EXPECT_GE(progress.step(), step);
    step = progress.step();
    EXPECT_EQ(progress.steps(), 80);
    EXPECT_EQ(progress.epochs(), 20);
    EXPECT_GE(progress.seconds_left(), 0);
  }
  EXPECT_GT(events.progress[1].samples_per_second(), 0);
  EXPECT_GT(events.progress[1].step_seconds(), 0);
}

TEST(TrainRunTest, NumbersAndPositionsAreTrainedToo) {
  SmallJob job;
  job.network = Parse(
      "graph g\ninput x float32 [n, 2, 4, 4]\nconst w float32 [3, 2, 1, 1] = {0.1, 0.2, 0.3, -0.1, -0.2, 0.3}\n"
      "c = Conv(x, w)\nm = GlobalAveragePool(x)\nf = Flatten(m)\nconst v float32 [2, 1] = fill 0.5\n"
      "y = MatMul(f, v)\noutput c\noutput y");
  Tensor pictures = testing::RandomTensor({10, 2, 4, 4}, 1);
  std::vector<int64_t> masks;
  std::vector<float> numbers;
  for (int64_t i = 0; i < 10; ++i) {
    float mean = 0;
    for (int64_t e = 0; e < 16; ++e) {
      const float first = pictures.values<float>()[i * 32 + e];
      masks.push_back(first > 0.3 ? 2 : first > -0.3 ? 1 : 0);
      mean += first / 16;
    }
    numbers.push_back(3 * mean);
  }
  job.data.training = testing::PipelineOf({{"x", pictures},
                                           {"mask", Tensor::Of<int64_t>({10, 4, 4}, masks)},
                                           {"number", Tensor::Of<float>({10, 1}, numbers)}});
  job.data.held_out = job.data.training;
  job.plan.trainer.training.losses = {{"c"}, {.output = "y", .kind = Loss::Kind::kMeanSquaredError}};
  job.plan.trainer.optimizer = DefaultOptions(Flavour::kKeras, OptimizerKind::kAdam);
  job.plan.trainer.row_shapes = {{2, 4, 4}};
  job.plan.input_fields = {0};
  job.plan.target_fields = {1, 2};
  job.plan.loading.batch_size = 4;
  job.plan.epochs = 30;
  job.plan.schedule.base_rate = 0.05;
  testing::Complete(job);
  Recorder events;
  ASSERT_OK(RunOnce(job, events, FakeClock()).status());
  EXPECT_LT(events.epochs.back().held_out().loss(), 0.7 * events.epochs.front().held_out().loss());
  EXPECT_FALSE(events.epochs.back().training().has_accuracy());
}

TEST(TrainRunTest, NothingIsMeasuredWithoutHeldOutData) {
  const SmallJob job = PictureJob([](SmallJob& small) { small.data.held_out = nullptr; });
  Recorder events;
  ASSERT_OK_AND_ASSIGN(const Trained trained, RunOnce(job, events, FakeClock()));
  EXPECT_EQ(trained.epoch, 2);
  EXPECT_FALSE(events.epochs.back().has_held_out());
  EXPECT_FALSE(events.epochs.back().best());
}

TEST(TrainRunTest, TheBestNetworkIsKept) {
  const SmallJob job = PictureJob([](SmallJob& small) {
    small.plan.keep_best = true;
    small.plan.epochs = 8;
    small.plan.metric = JobMetric::kLoss;
    small.plan.schedule.base_rate = 0.3;  // it goes up and down
  });
  Recorder events;
  ASSERT_OK_AND_ASSIGN(const Trained trained, RunOnce(job, events, FakeClock()));
  double best = HUGE_VAL;
  int64_t epoch = -1;
  for (const v1::EpochReport& report : events.epochs) {
    EXPECT_EQ(report.best(), report.held_out().loss() < best);
    if (report.best()) best = report.held_out().loss(), epoch = report.epoch();
  }
  ASSERT_LT(epoch, 7) << "or nothing is shown";
  EXPECT_EQ(trained.epoch, epoch);
  ASSERT_OK_AND_ASSIGN(const Evaluation evaluation,
                       Evaluate(trained.network, job.plan, job.data.held_out, CpuBackend()));
  EXPECT_EQ(evaluation.scores.loss(), best);
}

TEST(TrainRunTest, StopsEarlyWhereNothingGetsBetter) {
  const SmallJob job = PictureJob([](SmallJob& small) {
    small.plan.epochs = 100;
    small.plan.metric = JobMetric::kLoss;
    small.plan.early_stopping = EarlyStoppingOptions{.patience = 2, .min_delta = 1000};
  });
  Recorder events;
  ASSERT_OK_AND_ASSIGN(const Trained trained, RunOnce(job, events, FakeClock()));
  EXPECT_TRUE(trained.stopped_early);
  EXPECT_EQ(events.epochs.size(), 3u);
  EXPECT_EQ(trained.epoch, 2);
}

TEST(TrainRunTest, APlateauLowersTheRate) {
  const SmallJob job = PictureJob([](SmallJob& small) {
    small.plan.epochs = 5;
    small.plan.metric = JobMetric::kLoss;
    small.plan.plateau = PlateauOptions{.flavour = Flavour::kKeras, .factor = 0.5, .patience = 1, .threshold = 1000};
  });
  Recorder events;
  ASSERT_OK(RunOnce(job, events, FakeClock()).status());
  std::vector<double> rates;
  for (const v1::EpochReport& epoch : events.epochs) rates.push_back(epoch.learning_rate());
  EXPECT_THAT(rates, ::testing::ElementsAre(0.01, 0.01, 0.005, 0.0025, 0.00125));
}

TEST(TrainRunTest, NumbersThatAreNoLongerFiniteEndItAndTheLastCheckpointIsKept) {
  const SmallJob job = PictureJob([](SmallJob& small) {
    small.plan.trainer.optimizer = DefaultOptions(Flavour::kPyTorch, OptimizerKind::kSgd);
    small.plan.schedule.unit = ScheduleUnit::kEpoch;
    small.plan.schedule.shape = PiecewiseConstant{{0}, {1e38}};
  });
  const TempDir dir;
  Recorder events;
  EXPECT_THAT(RunOnce(job, events, FakeClock(), dir.path()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("step ")));
  EXPECT_EQ(events.epochs.size(), 1u);
  EXPECT_THAT(ListDirectory(dir.path()),
              IsOkAndHolds(::testing::ElementsAre("000000000004.json", "000000000004.safetensors")));
}

// ---------------------------------------------------------------- stopping and going on

struct Variant {
  const char* name;
  Change change;
};

class ResumeTest : public ::testing::TestWithParam<Variant> {};

// Each process is stopped after a few batches; the last one ends.
TEST_P(ResumeTest, GivesTheBitsOfARunThatWasNotStopped) {
  const SmallJob job = PictureJob(GetParam().change);
  Recorder whole_events;
  const absl::StatusOr<Trained> whole = RunOnce(job, whole_events, FakeClock());
  const std::string expected = Bytes(whole);
  for (const int after : {3, 4, 5, 11}) {
    const TempDir dir;
    absl::StatusOr<Trained> resumed = absl::CancelledError("");
    int processes = 0;
    while (absl::IsCancelled(resumed.status())) {
      ASSERT_LT(++processes, 200);
      Recorder events;
      int asked = 0;
      resumed = RunOnce(job, events, FakeClock(), dir.path(), [&] { return ++asked > after; });
    }
    EXPECT_GT(processes, after < 11 ? 1 : 0);
    EXPECT_EQ(Bytes(resumed), expected) << "stopped every " << after << " batches";
    EXPECT_EQ(WithoutTimes(resumed->epochs), WithoutTimes(whole->epochs));
    EXPECT_EQ(resumed->epoch, whole->epoch);
    EXPECT_EQ(resumed->stopped_early, whole->stopped_early);
  }
}

// A process that dies leaves its last checkpoint, here one a step, and nothing else.
TEST_P(ResumeTest, GivesTheSameBitsFromAnyCheckpoint) {
  const SmallJob job = PictureJob([](SmallJob& small) {
    GetParam().change(small);
    small.plan.checkpoint_seconds = 0;
  });
  Recorder whole_events;
  const absl::StatusOr<Trained> whole = RunOnce(job, whole_events, FakeClock());
  const std::string expected = Bytes(whole);
  // What its folder has each time that it is asked to stop.
  const TempDir dir, copies;
  int moments = 0;
  Recorder events;
  EXPECT_EQ(Bytes(RunOnce(job, events, FakeClock(), dir.path(),
                          [&] {
                            std::filesystem::copy(dir.path(), absl::StrCat(copies.path(), "/", moments++),
                                                  std::filesystem::copy_options::recursive);
                            return false;
                          })),
            expected)
      << "checkpoints change nothing";
  for (int moment = 0; moment < moments; moment += 3) {
    const absl::StatusOr<Trained> resumed = RunOnce(job, events, FakeClock(), absl::StrCat(copies.path(), "/", moment));
    EXPECT_EQ(Bytes(resumed), expected) << "died at moment " << moment;
    EXPECT_EQ(WithoutTimes(resumed->epochs), WithoutTimes(whole->epochs));
  }
}

data::PipelinePtr Augmented() {
  return testing::Pictures3(26, 1, {data::RandomFlip({.horizontal = 0.5, .vertical = 0.5})});
}

const Variant kVariants[] = {
    {"plain", [](SmallJob&) {}},
    {"drop_last", [](SmallJob& job) { job.plan.loading.drop_last = true; }},
    {"momentum",
     [](SmallJob& job) {
       job.plan.trainer.optimizer = DefaultOptions(Flavour::kKeras, OptimizerKind::kSgd);
       job.plan.trainer.optimizer.momentum = 0.9;
       job.plan.trainer.clip = {Flavour::kPyTorch, ClipKind::kGlobalNorm, 0.5};
     }},
    {"average",
     [](SmallJob& job) {
       job.plan.trainer.average = WeightAverageOptions{0.9, true};
       job.plan.trainer.optimizer = DefaultOptions(Flavour::kPyTorch, OptimizerKind::kRmsProp);
     }},
    {"accumulation", [](SmallJob& job) { job.plan.trainer.accumulated_batches = 3; }},
    {"schedule",
     [](SmallJob& job) {
       job.plan.schedule.shape = CosineDecay{Flavour::kKeras, 12, 0.1};
       job.plan.schedule.warmup = 3;
     }},
    {"plateau",
     [](SmallJob& job) {
       job.plan.epochs = 6;
       job.plan.metric = JobMetric::kLoss;
       job.plan.plateau = PlateauOptions{.factor = 0.5, .patience = 1, .threshold = 0.2, .cooldown = 1};
     }},
    {"best_and_early_stopping",
     [](SmallJob& job) {
       job.plan.epochs = 20;
       job.plan.schedule.base_rate = 0.1;
       job.plan.metric = JobMetric::kLoss;
       job.plan.keep_best = true;
       job.plan.early_stopping = EarlyStoppingOptions{.patience = 3};
     }},
    {"augmentation", [](SmallJob& job) { job.data.training = Augmented(); }},
    {"two_threads", [](SmallJob& job) { job.plan.trainer.threads = 2; }},
    {"nothing_held_out", [](SmallJob& job) { job.data.held_out = nullptr; }},
};

INSTANTIATE_TEST_SUITE_P(All, ResumeTest, ::testing::ValuesIn(kVariants),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(TrainRunTest, AStopIsMetAtTheEndOfABatch) {
  const SmallJob job = PictureJob();
  const TempDir dir;
  Recorder events;
  int asked = 0;
  EXPECT_THAT(RunOnce(job, events, FakeClock(), dir.path(), [&] { return ++asked > 2; }),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("after 2 steps")));
  EXPECT_EQ(asked, 3);
  EXPECT_THAT(ListDirectory(dir.path()),
              IsOkAndHolds(::testing::ElementsAre("000000000002.json", "000000000002.safetensors")));
}

TEST(TrainRunTest, AStepThatHasBegunIsFinishedFirst) {
  const SmallJob job = PictureJob([](SmallJob& small) { small.plan.trainer.accumulated_batches = 3; });
  const TempDir dir;
  Recorder events;
  int asked = 0;
  EXPECT_THAT(RunOnce(job, events, FakeClock(), dir.path(), [&] { return ++asked > 1; }),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("after 1 steps")));
}

TEST(TrainRunTest, AStopWhileMeasuringLosesNothing) {
  const SmallJob job = PictureJob();
  const TempDir dir;
  Recorder events;
  int asked = 0;
  EXPECT_THAT(RunOnce(job, events, FakeClock(), dir.path(), [&] { return ++asked > 4; }),
              StatusIs(absl::StatusCode::kCancelled));
  EXPECT_TRUE(events.epochs.empty());
  ASSERT_OK(RunOnce(job, events, FakeClock(), dir.path()).status());
  ASSERT_EQ(events.epochs.size(), 3u);
  EXPECT_EQ(events.epochs[0].training().samples(), 26) << "of which the second process has seen none";
}

TEST(TrainRunTest, CheckpointsAreWrittenByTimeAndAfterEachEpoch) {
  const SmallJob job = PictureJob([](SmallJob& small) { small.plan.checkpoint_seconds = 30; });
  // How many there have been, where each batch takes so long, and so does each look at the clock.
  const auto count = [&](std::chrono::nanoseconds batch, std::chrono::nanoseconds look) {
    const TempDir dir;
    Recorder events;
    const TickingClock clock(look);
    std::set<std::string> seen;
    EXPECT_OK(RunOnce(job, events, clock, dir.path(), [&] {
      clock.Advance(batch);
      const auto names = ListDirectory(dir.path());
      if (names.ok()) seen.insert(names->begin(), names->end());
      return false;
    }));
    return seen.size() / 2;
  };
  using std::chrono::seconds;
  EXPECT_EQ(count(seconds(0), seconds(0)), 2u) << "one an epoch; after the last one nobody looks";
  EXPECT_EQ(count(seconds(31), seconds(0)), 3u * 4 - 1) << "one a step";
  EXPECT_EQ(count(seconds(20), seconds(0)), 2u * 3 - 1) << "after every second step, and one an epoch";
  EXPECT_LT(count(seconds(31), seconds(1)), 4u) << "writing one takes a second: that may be a hundredth of the time";
}

TEST(TrainRunTest, ACheckpointOfAnotherPlanIsRefused) {
  const TempDir dir;
  Recorder events;
  int asked = 0;
  EXPECT_THAT(RunOnce(PictureJob(), events, FakeClock(), dir.path(), [&] { return ++asked > 2; }),
              StatusIs(absl::StatusCode::kCancelled));
  const Change changes[] = {
      [](SmallJob& job) { job.plan.trainer.optimizer = DefaultOptions(Flavour::kPyTorch, OptimizerKind::kSgd); },
      [](SmallJob& job) { job.plan.trainer.average = WeightAverageOptions{}; },
      [](SmallJob& job) { job.plan.plateau = PlateauOptions{}; },
      [](SmallJob& job) { job.plan.early_stopping = EarlyStoppingOptions{}; },
      [](SmallJob& job) { job.plan.loading.batch_size = 26; },  // one batch an epoch
      [](SmallJob& job) {
        job.network = Parse(
            "graph g\ninput x float32 [n, 1, 6, 6]\nh = Flatten(x)\n"
            "const w float32 [36, 3] = fill 0.0\ny = MatMul(h, w)\n"
            "p = Softmax(y)\noutput p");
      },
  };
  for (const Change& change : changes) {
    EXPECT_THAT(RunOnce(PictureJob(change), events, FakeClock(), dir.path()),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("checkpoint")));
  }
}

TEST(TrainRunTest, WhatCannotBeTrainedOrMeasuredIsSaidAtOnce) {
  Recorder events;
  const SmallJob job = PictureJob([](SmallJob& small) { small.plan.trainer.training.losses = {{"q"}}; });
  EXPECT_THAT(RunOnce(job, events, FakeClock()), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'q'")));
}

// ---------------------------------------------------------------- memory

TEST(TrainRunTest, ThePlannedPeakIsNotFarFromTheRealOne) {
  if (testing::kHasSanitizers) GTEST_SKIP() << "sanitizers have memory of their own, which nobody plans";
  // Some 100 MB: what is not counted is small beside it.
  SmallJob job;
  job.network = Parse(
      "graph g\ninput x float32 [n, 8, 64, 64]\nconst w float32 [32, 8, 3, 3] = fill 0.01\n"
      "c = Conv(x, w) {pads = [1, 1, 1, 1]}\nr = Relu(c)\nconst v float32 [32, 32, 3, 3] = fill 0.01\n"
      "d = Conv(r, v) {pads = [1, 1, 1, 1]}\ns = Relu(d)\np = MaxPool(s) {kernel_shape = [4, 4], strides = [4, 4]}\n"
      "h = Flatten(p)\nconst u float32 [8192, 100] = fill 0.001\ny = MatMul(h, u)\noutput y");
  const auto pictures = [](int64_t count) {
    return testing::PipelineOf({{"x", testing::RandomTensor({count, 8, 64, 64}, 1)},
                                {"label", Tensor::Of<int64_t>({count}, std::vector<int64_t>(count, 1))}});
  };
  job.data.training = pictures(40);
  job.data.held_out = pictures(20);
  job.plan.trainer.training.losses = {{"y"}};
  job.plan.trainer.optimizer = DefaultOptions(Flavour::kPyTorch, OptimizerKind::kAdam);
  job.plan.trainer.row_shapes = {{8, 64, 64}};
  job.plan.input_fields = {0};
  job.plan.target_fields = {1};
  job.plan.classes = ClassTarget{0, 100, {}};
  job.plan.loading.batch_size = 16;
  job.plan.epochs = 2;
  job.plan.schedule.base_rate = 0.001;
  testing::Complete(job);
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const auto store, CheckpointStore::Open(dir.path()));
  Recorder events;
  const FakeClock clock;
  TrainRunOptions options;
  options.checkpoints = store.get();
  ASSERT_OK_AND_ASSIGN(const auto run,
                       TrainRun::Create(job.network, job.plan, job.data, CpuBackend(), events, clock, options));
  // What other tests have taken is not this one's peak (proc(5), clear_refs).
  std::ofstream("/proc/self/clear_refs") << "5";
  const int64_t before = ResidentBytes(), planned = run->planned_peak_bytes();
  ASSERT_OK(run->Run().status());
  const int64_t peak = PeakResidentBytes();
  EXPECT_GT(peak - before, int64_t{60} << 20) << "or nothing is shown";
  EXPECT_LE(peak, planned * 1.05);
  EXPECT_GE(peak, planned * 0.7);
  ::testing::Test::RecordProperty("planned_mb", static_cast<int>(planned >> 20));
  ::testing::Test::RecordProperty("peak_mb", static_cast<int>(peak >> 20));
}

}  // namespace
}  // namespace beak
