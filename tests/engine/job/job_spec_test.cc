#include "engine/job/job_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "proto/beak/v1/train.pb.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using testing::StatusIs;
using ::testing::UnorderedElementsAre;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

// The least that a job has to say, and held-out data.
constexpr char kJob[] = R"(
  model: "digits"
  network { description_file: "lecture_cnn.textproto" }
  data {
    training { arrays { field { name: "image" file: "images" } field { name: "label" file: "labels" classes {} } } }
    hold_out { fraction: 0.1 }
  }
  training { epochs: 5 }
)";

// What is wrong with that job and `more`, which is merged into it.
std::vector<std::string> Check(const std::string& more) {
  const absl::StatusOr<v1::TrainJobSpec> spec = ParseJob(kJob);
  const absl::StatusOr<v1::TrainJobSpec> changes = ParseJob(more);
  EXPECT_THAT(spec, testing::IsOk());
  EXPECT_THAT(changes, testing::IsOk());
  v1::TrainJobSpec merged = *spec;
  merged.MergeFrom(*changes);
  return CheckSpec(merged);
}

std::vector<std::string> CheckTraining(const std::string& training) {
  return Check(absl::StrCat("training { ", training, " }"));
}

// ---------------------------------------------------------------- text

TEST(ParseJobTest, ReadsText) {
  ASSERT_OK_AND_ASSIGN(const v1::TrainJobSpec spec, ParseJob(kJob));
  EXPECT_EQ(spec.model(), "digits");
  EXPECT_EQ(spec.data().training().arrays().field_size(), 2);
}

TEST(ParseJobTest, SaysWhereItIsWrong) {
  EXPECT_THAT(ParseJob("model: 'm'\ntraining { epoch: 5 }"),
              StatusIs(kInvalid, AllOf(StartsWith("2:17: "), HasSubstr("epoch"))));
  EXPECT_THAT(ParseJob("training { optimizer { kind: ADAMAX } }"), StatusIs(kInvalid, HasSubstr("ADAMAX")));
  EXPECT_THAT(ParseJob("training {"), StatusIs(kInvalid));
  EXPECT_THAT(ParseJob(std::string("\0\xff\x01", 3)), StatusIs(kInvalid));
}

TEST(ParseJobTest, RefusesTextBeyondTheLimit) {
  EXPECT_THAT(ParseJob(std::string(kMaxJobTextBytes + 1, ' ')),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("16777216")));
}

TEST(ReadJobFileTest, ErrorsNameTheFile) {
  const testing::TempDir dir;
  ASSERT_OK_AND_ASSIGN(const v1::TrainJobSpec spec, ReadJobFile(dir.Write("good", kJob)));
  EXPECT_EQ(spec.model(), "digits");
  EXPECT_THAT(ReadJobFile(dir / "missing"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("missing")));
  EXPECT_THAT(ReadJobFile(dir.Write("bad", "hello")), StatusIs(kInvalid, HasSubstr("bad': 1:")));
}

// ---------------------------------------------------------------- the whole

TEST(CheckSpecTest, FindsNothingWrongWithAJobThatSaysTheLeast) { EXPECT_THAT(Check(""), IsEmpty()); }

TEST(CheckSpecTest, FindsNothingWrongWithAJobThatSaysMuch) {
  EXPECT_THAT(Check(R"(
    network { onnx_file: "net.onnx" reinitialize: true head { units: 3 } frozen: "stem*" }
    input { field: "image" input: "x" fixed { offset: [123.7, 116.3, 103.5] scale: 0.017 } }
    training {
      batch_size: 64
      optimizer { kind: SGD flavour: PYTORCH learning_rate: 0.1 momentum: 0.9 nesterov: true weight_decay: 5e-4 }
      schedule { unit: EPOCH warmup: 1 cosine {} }
      loss { label_smoothing: 0.1 class_weight: [1, 2] ignore_index: -100 weight: 2 }
      clip { kind: VALUE limit: 1 }
      accumulated_batches: 4
      weight_average { decay: 0.99 correct_bias: true }
      early_stopping { patience: 3 min_delta: 0.001 }
      l1: 1e-5 l2: 1e-4 seed: 7 threads: 2 drop_last: true keep_best: true metric: TOP5_ACCURACY
      checkpoint_seconds: 10
    }
    publish { when: BETTER_THAN_SERVING confidence: 0.9 keep_versions: 3 }
  )"),
              IsEmpty());
}

TEST(CheckSpecTest, FindsNothingWrongWithTheJobsThatAreShipped) {
  const char* const sources = std::getenv("BEAK_SOURCE_DIR");
  const std::string folder = absl::StrCat(sources == nullptr ? "." : sources, "/deploy/demo/jobs");
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> files, ListDirectory(folder));
  EXPECT_FALSE(files.empty());
  for (const std::string& file : files) {
    ASSERT_OK_AND_ASSIGN(const v1::TrainJobSpec spec, ReadJobFile(absl::StrCat(folder, "/", file)));
    EXPECT_THAT(CheckSpec(spec), IsEmpty()) << file;
  }
}

TEST(CheckSpecTest, TellsAllThatIsWrongAtOnce) {
  v1::TrainJobSpec spec;
  spec.mutable_training()->set_batch_size(-1);
  spec.mutable_training()->mutable_optimizer()->set_learning_rate(-0.5);
  spec.mutable_training()->add_loss()->set_weight(-1);
  spec.mutable_publish()->set_when(v1::Publish::BETTER_THAN_SERVING);
  const std::vector<std::string> lines = CheckSpec(spec);
  for (const char* const start :
       {"model: ", "network: ", "data.training", "training.epochs: expected 1 to 1000000, got 0",
        "training.batch_size: ", "training.optimizer.learning_rate: expected a number in [0, 1e30], got -0.5",
        "training.loss[0].weight: ", "publish.when BETTER_THAN_SERVING: expected data.held_out or data.hold_out"}) {
    EXPECT_THAT(lines, Contains(StartsWith(start)));
  }
}

TEST(CheckSpecTest, CountsTheLastOfVeryMany) {
  v1::TrainJobSpec spec = *ParseJob(kJob);
  for (int i = 0; i < 60; ++i) spec.add_input()->mutable_fixed();
  const std::vector<std::string> lines = CheckSpec(spec);
  ASSERT_EQ(lines.size(), 101u);
  EXPECT_EQ(lines.back(), "job: expected no more fields that are wrong, got 20");
}

TEST(CheckSpecTest, WantsAPlainFolderAsModel) {
  v1::TrainJobSpec spec = *ParseJob(kJob);
  for (const char* const name : {"m", "resnet-50_v1.5", "a:b"}) {
    spec.set_model(name);
    EXPECT_THAT(CheckSpec(spec), IsEmpty()) << name;
  }
  for (const std::string name : {"", ".", "..", "../m", "a/b", ".hidden", "a b", "a\n", "\xc3\xa4"}) {
    spec.set_model(name);
    EXPECT_THAT(CheckSpec(spec), ElementsAre(StartsWith("model: expected"))) << name;
  }
  spec.set_model(std::string(256, 'm'));
  EXPECT_THAT(CheckSpec(spec), ElementsAre(StartsWith("model: expected")));
}

// ---------------------------------------------------------------- the network

TEST(CheckSpecTest, WantsANetwork) {
  v1::TrainJobSpec spec = *ParseJob(kJob);
  spec.clear_network();
  EXPECT_THAT(CheckSpec(spec), ElementsAre("network: expected description, description_file, onnx_file or served, got "
                                           "none of them"));
  EXPECT_THAT(Check("network { onnx_file: '' }"), ElementsAre("network.onnx_file: expected a path, got ''"));
  EXPECT_THAT(Check("network { description_file: '' }"),
              ElementsAre("network.description_file: expected a path, got ''"));
  EXPECT_THAT(Check("network { served { name: '../m' version: -1 } }"),
              ElementsAre(StartsWith("network.served.name: "), "network.served.version: expected 0 or more, got -1"));
}

TEST(CheckSpecTest, TellsEveryWrongLayerOfADescription) {
  EXPECT_THAT(Check(R"(network { description {
                input { name: "x" shape: [4] }
                layer { name: "a" dense { units: -1 } }
                layer { name: "b" dense { units: 2 activation: 99 } }
              } })"),
              UnorderedElementsAre(StartsWith("network.description: layer 'a': units: "),
                                   StartsWith("network.description: layer 'b': activation: "),
                                   StartsWith("network.description.layer[1].dense.activation: expected LINEAR")));
}

TEST(CheckSpecTest, ChangesNetworksThatAreThereOnly) {
  EXPECT_THAT(
      Check("network { reinitialize: true head {} frozen: 'a' }"),
      ElementsAre(StartsWith("network.reinitialize: "), StartsWith("network.head: "), StartsWith("network.frozen: ")));
  EXPECT_THAT(
      Check("network { onnx_file: 'f' head { units: -2 } frozen: '' }"),
      ElementsAre("network.head.units: expected 0 to 16777216, got -2", "network.frozen[0]: expected a name, got ''"));
}

// ---------------------------------------------------------------- inputs

TEST(CheckSpecTest, ChecksInputs) {
  EXPECT_THAT(Check("input { input: 'x' } input { field: 'f' input: 'x' }"),
              ElementsAre("input[0].field: expected a name, got ''",
                          "input[1].input: expected each input once, got 'x' again"));
  EXPECT_THAT(
      Check("input { field: 'f' scale_range { low: 255 } }"),
      ElementsAre(StartsWith("input[0].scale_range: expected ranges with the smaller end first, got [255, 255]")));
  EXPECT_THAT(Check("input { field: 'f' scale_range { low: nan } }"),
              ElementsAre(StartsWith("input[0].scale_range: ")));
  EXPECT_THAT(Check("input { field: 'f' fixed {} }"),
              ElementsAre("input[0].fixed: expected offset or scale, got neither"));
  EXPECT_THAT(Check("input { field: 'f' fixed { offset: [1, inf] scale: [0] } }"),
              ElementsAre("input[0].fixed.offset: expected numbers in [-1e30, 1e30], got inf",
                          "input[0].fixed.scale: expected numbers in [-1e30, 1e30] other than 0, got 0"));
}

// ---------------------------------------------------------------- training

TEST(CheckSpecTest, ChecksNumbersOfTheTraining) {
  EXPECT_THAT(CheckTraining("epochs: -1 batch_size: 1000001 accumulated_batches: -1 threads: 1025 "
                            "checkpoint_seconds: 0 l1: -1 l2: nan"),
              ElementsAre("training.epochs: expected 1 to 1000000, got -1",
                          "training.batch_size: expected 1 to 1000000, or 0 for the default, got 1000001",
                          "training.accumulated_batches: expected 1 to 1000000, or 0 for the default, got -1",
                          "training.threads: expected 1 to 1024, or 0 for all, got 1025",
                          "training.checkpoint_seconds: expected 1 to 1000000, got 0",
                          "training.l1: expected a number in [0, 1e30], got -1",
                          StartsWith("training.l2: expected a number in [0, 1e30], got ")));
}

TEST(CheckSpecTest, TellsEnumValuesThatThereAreNot) {
  EXPECT_THAT(CheckTraining("optimizer { kind: 17 flavour: 2 } metric: 9 loss { kind: -1 }"),
              ElementsAre(StartsWith("training.optimizer.kind: expected ADAM, ADAMW, "),
                          "training.optimizer.flavour: expected KERAS or PYTORCH, got 2",
                          StartsWith("training.loss[0].kind: "), StartsWith("training.metric: ")));
  EXPECT_THAT(Check("publish { when: 5 }"), ElementsAre(StartsWith("publish.when: ")));
}

TEST(CheckSpecTest, TellsWhatAnOptimiserHasNoUseFor) {
  EXPECT_THAT(CheckTraining("optimizer { kind: ADAM momentum: 0.9 nesterov: true }"),
              ElementsAre("training.optimizer.momentum: expected 0 for keras's adam, got 0.9",
                          "training.optimizer.nesterov: expected false for keras's adam, got true"));
  EXPECT_THAT(CheckTraining("optimizer { kind: SGD dampening: 0.1 }"),
              ElementsAre(StartsWith("training.optimizer.dampening: expected 0 for keras's sgd")));
  EXPECT_THAT(CheckTraining("optimizer { kind: SGD flavour: PYTORCH momentum: 1.5 }"),
              ElementsAre("training.optimizer.momentum: expected a number in [0, 1), got 1.5"));
  EXPECT_THAT(CheckTraining("optimizer { kind: ADAMW beta1: nan epsilon: 0 }"),
              ElementsAre(StartsWith("training.optimizer.beta1: "), StartsWith("training.optimizer.epsilon: ")));
}

TEST(CheckSpecTest, ChecksSchedulesByTheNamesOfTheJob) {
  EXPECT_THAT(CheckTraining("schedule { warmup: -1 warmup_start: 2 step {} }"),
              ElementsAre(StartsWith("training.schedule.warmup: "), StartsWith("training.schedule.warmup_start: "),
                          StartsWith("training.schedule.step.every: expected 1 or more")));
  EXPECT_THAT(CheckTraining("schedule { multi_step { milestone: [3, 2] gamma: 2 } }"),
              ElementsAre(StartsWith("training.schedule.multi_step.milestone: "),
                          StartsWith("training.schedule.multi_step.gamma: ")));
  EXPECT_THAT(CheckTraining("schedule { piecewise_constant { boundary: [1, 1] rate: [1] } }"),
              ElementsAre(StartsWith("training.schedule.piecewise_constant.boundary: "),
                          StartsWith("training.schedule.piecewise_constant.rate: ")));
  EXPECT_THAT(CheckTraining("schedule { exponential {} }"),
              ElementsAre(StartsWith("training.schedule.exponential.gamma: ")));
  EXPECT_THAT(CheckTraining("schedule { polynomial { length: -1 power: 0 } }"),
              ElementsAre(StartsWith("training.schedule.polynomial.length: "),
                          StartsWith("training.schedule.polynomial.power: ")));
  EXPECT_THAT(CheckTraining("schedule { cosine_restarts {} }"),
              ElementsAre(StartsWith("training.schedule.cosine_restarts.first_length: ")));
  EXPECT_THAT(CheckTraining("schedule { plateau { factor: 1 patience: -1 } }"),
              ElementsAre(StartsWith("training.schedule.plateau.factor: "),
                          StartsWith("training.schedule.plateau.patience: ")));
}

TEST(CheckSpecTest, TakesLengthsOfZeroAsTheWholeTraining) {
  for (const char* const shape : {"linear", "polynomial", "cosine", "one_cycle"}) {
    EXPECT_THAT(CheckTraining(absl::StrCat("schedule { ", shape, " {} }")), IsEmpty()) << shape;
  }
  EXPECT_THAT(CheckTraining("epochs: 2 schedule { unit: EPOCH one_cycle {} }"),
              ElementsAre(StartsWith("training.schedule.one_cycle.rise: ")))
      << "the rise would be shorter than an epoch";
}

TEST(CheckSpecTest, ChecksLosses) {
  EXPECT_THAT(CheckTraining("loss { output: 'a' } loss { output: 'a' }"),
              ElementsAre("training.loss[1].output: expected each output once, got 'a' again"));
  EXPECT_THAT(CheckTraining("loss { label_smoothing: 1 class_weight: [1, -1] weight: 0 }"),
              ElementsAre("training.loss[0].weight: expected a number in (0, 1e6], got 0",
                          "training.loss[0].label_smoothing: expected a number in [0, 1), got 1",
                          "training.loss[0].class_weight: expected numbers in [0, 1e6], got -1"));
  EXPECT_THAT(CheckTraining("loss { class_weight: [0, 0] }"),
              ElementsAre("training.loss[0].class_weight: expected one above 0, got none"));
  EXPECT_THAT(CheckTraining("loss { kind: MEAN_SQUARED_ERROR label_smoothing: 0.1 class_weight: 1 ignore_index: 0 }"),
              ElementsAre("training.loss[0].label_smoothing: expected kind SOFTMAX_CROSS_ENTROPY with it",
                          "training.loss[0].class_weight: expected kind SOFTMAX_CROSS_ENTROPY with it",
                          "training.loss[0].ignore_index: expected kind SOFTMAX_CROSS_ENTROPY with it"));
}

TEST(CheckSpecTest, ChecksWhatGoesWithTheOptimiser) {
  EXPECT_THAT(
      CheckTraining("clip {} weight_average { decay: 1 } early_stopping { patience: -1 min_delta: -1 }"),
      ElementsAre(StartsWith("training.clip.limit: "), StartsWith("training.weight_average.decay: "),
                  StartsWith("training.early_stopping.patience: "), StartsWith("training.early_stopping.min_delta: ")));
}

TEST(CheckSpecTest, WantsHeldOutDataForWhatLooksAtIt) {
  v1::TrainJobSpec spec = *ParseJob(kJob);
  spec.mutable_data()->clear_hold_out();
  EXPECT_THAT(CheckSpec(spec), IsEmpty());
  spec.mutable_training()->set_keep_best(true);
  spec.mutable_training()->mutable_early_stopping()->set_patience(1);
  spec.mutable_training()->mutable_schedule()->mutable_plateau();
  spec.mutable_publish()->set_when(v1::Publish::METRIC);
  spec.mutable_publish()->set_at_least(0.9);
  EXPECT_THAT(CheckSpec(spec),
              ElementsAre(StartsWith("training.schedule.plateau: expected data.held_out or data.hold_out"),
                          StartsWith("training.early_stopping: expected data.held_out or data.hold_out"),
                          StartsWith("training.keep_best: expected data.held_out or data.hold_out"),
                          StartsWith("publish.when METRIC: expected data.held_out or data.hold_out")));
}

// ---------------------------------------------------------------- publishing

TEST(CheckSpecTest, WantsTheBoundThatTheMetricHas) {
  EXPECT_THAT(Check("publish { when: METRIC metric: ACCURACY at_least: 0.9 }"), IsEmpty());
  EXPECT_THAT(Check("publish { when: METRIC metric: LOSS at_most: 0.3 }"), IsEmpty());
  EXPECT_THAT(Check("publish { when: METRIC at_most: 0.3 }"), IsEmpty());
  EXPECT_THAT(Check("publish { when: METRIC metric: ACCURACY }"), ElementsAre(HasSubstr("expected at_least")));
  EXPECT_THAT(Check("publish { when: METRIC metric: TOP5_ACCURACY at_most: 0.9 }"),
              ElementsAre(HasSubstr("expected at_least")));
  EXPECT_THAT(Check("publish { when: METRIC metric: LOSS at_least: 0.3 }"), ElementsAre(HasSubstr("expected at_most")));
  EXPECT_THAT(Check("publish { when: METRIC }"), ElementsAre(HasSubstr("expected at_least for an accuracy, or")));
  EXPECT_THAT(Check("publish { when: METRIC at_least: 1 at_most: 2 }"), ElementsAre(HasSubstr("expected at_least")));
  EXPECT_THAT(Check("publish { when: METRIC metric: ACCURACY at_least: 97 }"),
              ElementsAre("publish.at_least: expected a part in [0, 1], got 97"));
}

TEST(CheckSpecTest, RefusesBoundsThatNobodyLooksAt) {
  EXPECT_THAT(
      Check("publish { at_least: 0.9 at_most: 1 metric: LOSS confidence: 0.9 }"),
      ElementsAre("publish.metric: expected when METRIC with it", "publish.at_least: expected when METRIC with it",
                  "publish.at_most: expected when METRIC with it",
                  "publish.confidence: expected when BETTER_THAN_SERVING with it"));
  EXPECT_THAT(Check("publish { when: BETTER_THAN_SERVING confidence: 0.3 keep_versions: -1 }"),
              ElementsAre("publish.keep_versions: expected 0 to 1000000, got -1",
                          "publish.confidence: expected a number in [0.5, 0.999999], got 0.3"));
}

}  // namespace
}  // namespace beak
