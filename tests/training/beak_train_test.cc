// beak-train as a program: folders, exit statuses, events, and being stopped and killed.

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "engine/base/file.h"
#include "engine/base/sha256.h"
#include "engine/io/npy.h"
#include "proto/inference/model_config.pb.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/training/train_process.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOkAndHolds;
using ::testing::Not;
using testing::TempDir;
using testing::TrainProcess;

constexpr int kDone = 0, kFailed = 1, kUsage = 2, kStopped = 3;

// A job of some hundred short steps: batch normalisation, dropout, augmentation, a short last batch, averaged weights.
constexpr char kJob[] = R"(
model: "bright"
network {
  description {
    name: "tiny"
    input { name: "image" shape: [1, 8, 8] }
    layer { name: "conv" conv2d { filters: 4 kernel_size: 3 } }
    layer { name: "norm" batch_normalization {} }
    layer { name: "relu" activation { kind: RELU } }
    layer { name: "flat" flatten {} }
    layer { name: "drop" dropout { rate: 0.2 } }
    layer { name: "out" dense { units: 3 activation: SOFTMAX } }
  }
}
data {
  training { arrays {
    field { name: "image" file: "image.npy" }
    field { name: "label" file: "label.npy" classes { name: "left" name: "right" name: "below" } }
  } }
  hold_out { fraction: 0.25 }
  augment { random_crop { padding: 1 } }
}
input { field: "image" scale_range {} }
training {
  epochs: 12 batch_size: 8 seed: 3 threads: 1 keep_best: true metric: LOSS
  optimizer { kind: ADAM learning_rate: 0.01 }
  weight_average { decay: 0.9 }
  checkpoint_seconds: 1
}
publish { when: ALWAYS }
)";

class BeakTrainTest : public ::testing::Test {
 protected:
  static constexpr int64_t kSamples = 120;

  BeakTrainTest() {
    dir_.Write("job.textproto", kJob);
    Tensor pictures = *Tensor::Create(DType::kUint8, {kSamples, 8, 8});
    const Tensor noise = testing::RandomTensor({kSamples, 8, 8}, 1);
    std::vector<uint8_t> labels;
    for (int64_t i = 0; i < kSamples; ++i) {
      const auto label = static_cast<uint8_t>(i * 7 % 3);
      labels.push_back(label);
      for (int64_t y = 0; y < 8; ++y) {
        for (int64_t x = 0; x < 8; ++x) {
          const bool bright = label == 2 ? y >= 4 : (label == 1) == (x >= 4) && y < 4;
          const float value = (bright ? 150.0f : 60.0f) + 20 * noise.values<float>()[(i * 8 + y) * 8 + x];
          pictures.mutable_values<uint8_t>()[(i * 8 + y) * 8 + x] = static_cast<uint8_t>(value);
        }
      }
    }
    dir_.Write("image.npy", FormatNpy(pictures));
    dir_.Write("label.npy", FormatNpy(Tensor::Of<uint8_t>({kSamples}, labels)));
  }

  std::vector<std::string> Arguments(const std::string& output, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> arguments = {dir_ / "job.textproto", absl::StrCat("--output=", dir_.path(), "/", output)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }

  // Writes the job with something replaced.
  void Change(const std::string& from, const std::string& to) {
    const std::string changed = absl::StrReplaceAll(kJob, {{from, to}});
    ASSERT_NE(changed, kJob);
    dir_.Write("job.textproto", changed);
  }

  std::string Contents(const std::string& file) const {
    const absl::StatusOr<std::string> contents = ReadFile(dir_ / file, 1 << 26);
    EXPECT_OK(contents.status());
    return contents.ok() ? *contents : "";
  }

  // The network that the job gives when nothing happens to it.
  std::string Undisturbed() const {
    TrainProcess process(Arguments("undisturbed"));
    EXPECT_EQ(process.Wait(), kDone) << process.Output();
    return Contents("undisturbed/result/model.onnx");
  }

  const TempDir dir_;
};

TEST_F(BeakTrainTest, TrainsAndLeavesAVersionOfAModel) {
  TrainProcess process(Arguments("out", {"--code-version=v7"}));
  ASSERT_EQ(process.Wait(), kDone) << process.Output();
  ASSERT_TRUE(process.Result().has_value());
  const v1::TrainResult result = *process.Result();
  EXPECT_GT(result.held_out().accuracy(), 0.9);
  EXPECT_EQ(result.held_out().samples(), 30);
  EXPECT_EQ(result.confusion_size(), 9);
  EXPECT_EQ(result.class_score(2).name(), "below");
  EXPECT_EQ(result.class_score(2).support(), 10) << "held out as in the whole";
  EXPECT_EQ(result.data_digest().size(), 64u);
  EXPECT_NE(result.data_digest(), result.held_out_digest());
  EXPECT_GT(result.peak_bytes(), 1 << 20);
  const std::vector<v1::EpochReport> epochs = process.Epochs();
  ASSERT_EQ(epochs.size(), 12u);
  EXPECT_EQ(epochs.back().steps(), 12 * 12) << "90 samples in batches of 8";
  EXPECT_EQ(epochs[result.exported_epoch()].held_out().loss(), result.held_out().loss());

  EXPECT_THAT(ListDirectory(dir_ / "out"), IsOkAndHolds(ElementsAre("checkpoint", "lock", "result")));
  EXPECT_THAT(ListDirectory(dir_ / "out/result"),
              IsOkAndHolds(ElementsAre("config.pbtxt", "labels.txt", "lineage.json", "model.onnx", "result.binpb")));
  EXPECT_EQ(Contents("out/result/labels.txt"), "left\nright\nbelow\n");
  inference::ModelConfig config;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(Contents("out/result/config.pbtxt"), &config));
  EXPECT_EQ(config.name(), "bright");
  EXPECT_EQ(config.output(0).label_filename(), "labels.txt");
  const auto lineage = nlohmann::json::parse(Contents("out/result/lineage.json"));
  EXPECT_EQ(lineage["code"]["version"], "v7");
  EXPECT_THAT(lineage["code"]["kernels"].get<std::string>(), HasSubstr("oneDNN "));
  EXPECT_EQ(lineage["data"]["training_sha256"], result.data_digest());
  EXPECT_EQ(lineage["epochs"].size(), 12u);
  v1::TrainResult written;
  ASSERT_TRUE(written.ParseFromString(Contents("out/result/result.binpb")));
  EXPECT_EQ(written.SerializeAsString(), result.SerializeAsString());
}

TEST_F(BeakTrainTest, TellsThePlanFirstAndTheResultLast) {
  TrainProcess process(Arguments("out"));
  ASSERT_EQ(process.Wait(), kDone) << process.Output();
  bool planned = false;
  for (const v1::TrainEvent& event : process.events()) {
    const bool reading = event.has_progress() && event.progress().phase() == v1::TrainProgress::READING_DATA;
    EXPECT_TRUE(planned || reading || event.has_plan());
    if (!event.has_plan()) continue;
    planned = true;
    EXPECT_EQ(event.plan().training_samples(), 90);
    EXPECT_EQ(event.plan().held_out_samples(), 30);
    EXPECT_EQ(event.plan().steps(), 144);
    EXPECT_GT(event.plan().peak_bytes(), 1 << 20);
    EXPECT_LT(event.plan().peak_bytes(), 1 << 30);
  }
  EXPECT_TRUE(planned);
  EXPECT_TRUE(process.events().back().has_result());
  EXPECT_EQ(process.Output(), "");
}

TEST_F(BeakTrainTest, PrintsATableForPeople) {
  TrainProcess process(Arguments("out"), {.events = false});
  ASSERT_EQ(process.Wait(), kDone);
  EXPECT_THAT(process.Output(), AllOf(HasSubstr("90 samples to train on, 30 to measure with; 144 steps"),
                                      HasSubstr("epoch      loss  accuracy"), HasSubstr("\n   12 "),
                                      HasSubstr("the network is that of epoch")));
}

TEST_F(BeakTrainTest, ACheckSaysWhatAJobWillTakeAndWritesNothing) {
  TrainProcess process({dir_ / "job.textproto", "--check"});
  EXPECT_EQ(process.Wait(), kDone) << process.Output();
  ASSERT_FALSE(process.events().empty());
  EXPECT_EQ(process.events().back().plan().steps(), 144);
  EXPECT_THAT(ListDirectory(dir_.path()), IsOkAndHolds(ElementsAre("image.npy", "job.textproto", "label.npy")));
}

// ---------------------------------------------------------------- stopped and killed

TEST_F(BeakTrainTest, KilledAtAnyMomentItGivesTheSameBits) {
  const std::string expected = Undisturbed();
  for (int64_t killed_after = 0; killed_after < 12; killed_after += 2) {
    const std::string output = absl::StrCat("killed", killed_after);
    int64_t told = killed_after;
    {
      TrainProcess process(Arguments(output));
      ASSERT_TRUE(process.AwaitEpoch(killed_after)) << process.Output();
      process.Signal(SIGKILL);
      process.Wait();  // it may have come to its end
      if (!process.Epochs().empty()) told = process.Epochs().back().epoch();
    }
    TrainProcess resumed(Arguments(output, {"--resume"}));
    ASSERT_EQ(resumed.Wait(), kDone) << resumed.Output();
    EXPECT_EQ(Contents(output + "/result/model.onnx"), expected) << "killed after epoch " << killed_after;
    for (const v1::EpochReport& epoch : resumed.Epochs()) {
      EXPECT_GE(epoch.epoch(), told) << "but for the last, which was told before it was written down";
    }
  }
}

TEST_F(BeakTrainTest, StopsWhenAskedAndGoesOn) {
  Change("epochs: 12", "epochs: 100");  // which the pipe of events has no room for
  const std::string expected = Undisturbed();
  for (const std::string how : {"SIGTERM", "SIGINT", "control"}) {
    TrainProcess process(Arguments(how), {.control = true});
    ASSERT_TRUE(process.AwaitEpoch(2));
    if (how == "control") process.CloseControl();
    if (how != "control") process.Signal(how == "SIGTERM" ? SIGTERM : SIGINT);
    ASSERT_EQ(process.Wait(), kStopped) << how << "\n" << process.Output();
    EXPECT_FALSE(process.Failure()) << "it is no failure";
    EXPECT_THAT(process.Output(), HasSubstr("stopped as asked after"));
    EXPECT_FALSE(std::filesystem::is_empty(dir_ / (how + "/checkpoint")));

    TrainProcess refused(Arguments(how));
    EXPECT_EQ(refused.Wait(), kFailed) << "without --resume";
    EXPECT_THAT(refused.Failure()->message(), HasSubstr("--resume"));
    TrainProcess resumed(Arguments(how, {"--resume"}));
    ASSERT_EQ(resumed.Wait(), kDone) << resumed.Output();
    EXPECT_EQ(Contents(how + "/result/model.onnx"), expected) << how;
  }
}

// The stop comes before the first batch: what is kept is the state before it.
TEST_F(BeakTrainTest, MayBeStoppedBeforeItBegins) {
  TrainProcess process(Arguments("out"), {.control = true});
  process.CloseControl();
  EXPECT_EQ(process.Wait(), kStopped) << process.Output();
  TrainProcess resumed(Arguments("out", {"--resume"}));
  EXPECT_EQ(resumed.Wait(), kDone) << resumed.Output();
}

TEST_F(BeakTrainTest, ADamagedCheckpointIsPassedOver) {
  const std::string expected = Undisturbed();
  {
    TrainProcess process(Arguments("out"));
    ASSERT_TRUE(process.AwaitEpoch(5));
    process.Signal(SIGKILL);
    process.Wait();
  }
  std::filesystem::remove_all(dir_ / "out/result");  // it may have come to its end
  ASSERT_OK_AND_ASSIGN(const std::vector<std::string> names, ListDirectory(dir_ / "out/checkpoint"));
  std::string newest;
  for (const std::string& name : names) {
    if (name.ends_with(".safetensors")) newest = dir_ / ("out/checkpoint/" + name);
  }
  std::filesystem::resize_file(newest, std::filesystem::file_size(newest) / 2);
  TrainProcess resumed(Arguments("out", {"--resume"}));
  ASSERT_EQ(resumed.Wait(), kDone) << resumed.Output();
  EXPECT_THAT(resumed.Notices(), HasSubstr("is passed over"));
  EXPECT_EQ(Contents("out/result/model.onnx"), expected);
}

TEST_F(BeakTrainTest, AnotherJobDoesNotGoOnFromItsCheckpoint) {
  {
    TrainProcess process(Arguments("out"));
    ASSERT_TRUE(process.AwaitEpoch(1));
    process.Signal(SIGKILL);
    process.Wait();
  }
  std::filesystem::remove_all(dir_ / "out/result");
  Change("0.01", "0.02");
  TrainProcess other(Arguments("out", {"--resume"}));
  EXPECT_EQ(other.Wait(), kFailed);
  EXPECT_EQ(other.Failure()->code(), static_cast<int>(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(other.Failure()->message(), HasSubstr("expected one of this job"));
}

TEST_F(BeakTrainTest, AFullDiskIsAnErrorAndTheLastCheckpointIsKept) {
  const std::string expected = Undisturbed();
  {
    TrainProcess process(Arguments("out"));
    ASSERT_TRUE(process.AwaitEpoch(3));
    process.Signal(SIGKILL);
    process.Wait();
  }
  std::filesystem::remove_all(dir_ / "out/result");
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limit = {2000, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  TrainProcess full(Arguments("out", {"--resume"}));
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(full.Wait(), kFailed);
  EXPECT_THAT(full.Failure()->message(), HasSubstr("cannot write"));
  TrainProcess resumed(Arguments("out", {"--resume"}));
  ASSERT_EQ(resumed.Wait(), kDone) << resumed.Output();
  EXPECT_THAT(resumed.Notices(), IsEmpty());
  EXPECT_EQ(Contents("out/result/model.onnx"), expected);
}

TEST_F(BeakTrainTest, GoesOnWhenNobodyListensAnyMore) {
  TrainProcess process(Arguments("out"));
  ASSERT_TRUE(process.Next().has_value());
  process.CloseEvents();
  EXPECT_EQ(process.Wait(), kDone) << process.Output();
  EXPECT_TRUE(std::filesystem::exists(dir_ / "out/result/model.onnx"));
}

TEST_F(BeakTrainTest, OneProcessAtATimeWorksInAFolder) {
  TrainProcess first(Arguments("out"));
  ASSERT_TRUE(first.AwaitEpoch(0));
  first.Signal(SIGSTOP);
  TrainProcess second(Arguments("out", {"--resume"}));
  EXPECT_EQ(second.Wait(), kFailed);
  EXPECT_THAT(second.Failure()->message(), HasSubstr("no other process"));
  TrainProcess impatient(Arguments("out", {"--resume"}), {.control = true});
  impatient.CloseControl();
  EXPECT_EQ(impatient.Wait(), kStopped);
  TrainProcess waiting(Arguments("out", {"--resume"}), {.control = true});
  first.Signal(SIGCONT);
  EXPECT_EQ(first.Wait(), kDone);
  EXPECT_EQ(waiting.Wait(), kDone) << waiting.Output();
  ASSERT_TRUE(waiting.Result().has_value());
  EXPECT_EQ(waiting.Result()->SerializeAsString(), first.Result()->SerializeAsString());
}

// ---------------------------------------------------------------- once it is finished

TEST_F(BeakTrainTest, AFinishedJobTellsItsResultAgain) {
  TrainProcess process(Arguments("out"));
  ASSERT_EQ(process.Wait(), kDone);
  std::filesystem::remove(dir_ / "image.npy");  // nothing is read
  TrainProcess again(Arguments("out", {"--resume"}));
  EXPECT_EQ(again.Wait(), kDone) << again.Output();
  EXPECT_EQ(again.Result()->SerializeAsString(), process.Result()->SerializeAsString());
  EXPECT_TRUE(again.Epochs().empty());
  TrainProcess refused(Arguments("out"));
  EXPECT_EQ(refused.Wait(), kFailed);
}

TEST_F(BeakTrainTest, ComparesWithTheNetworkThatServes) {
  Undisturbed();
  const std::string other = dir_ / "undisturbed/result/model.onnx";
  Change("epochs: 12", "epochs: 1");
  TrainProcess process(Arguments("out", {"--compare=" + other}));
  ASSERT_EQ(process.Wait(), kDone) << process.Output();
  const v1::Comparison comparison = process.Result()->comparison();
  EXPECT_EQ(
      comparison.both_right() + comparison.both_wrong() + comparison.only_new_right() + comparison.only_old_right(),
      30);
  EXPECT_LT(comparison.difference(), 0) << "a twelfth of the training";
  EXPECT_LT(comparison.lower_bound(), comparison.difference());
  EXPECT_EQ(comparison.confidence(), 0.95);
  // Only the comparison is made again.
  const std::string model = Contents("out/result/model.onnx");
  TrainProcess again(Arguments("out", {"--resume", "--compare=" + (dir_ / "out/result/model.onnx")}));
  ASSERT_EQ(again.Wait(), kDone) << again.Output();
  EXPECT_EQ(again.Result()->comparison().difference(), 0);
  EXPECT_TRUE(again.Epochs().empty());
  EXPECT_EQ(Contents("out/result/model.onnx"), model);
  v1::TrainResult written;
  ASSERT_TRUE(written.ParseFromString(Contents("out/result/result.binpb")));
  EXPECT_EQ(written.SerializeAsString(), again.Result()->SerializeAsString());
}

TEST_F(BeakTrainTest, WhatCannotBeComparedIsSaidBeforeTraining) {
  dir_.Write("other.onnx", "no network");
  TrainProcess process(Arguments("out", {"--compare=" + (dir_ / "other.onnx")}));
  EXPECT_EQ(process.Wait(), kFailed);
  EXPECT_TRUE(process.Epochs().empty());
  EXPECT_THAT(process.Failure()->message(), HasSubstr("other.onnx"));
}

TEST_F(BeakTrainTest, GoesOnWithTheNetworkThatServes) {
  const std::string parent = Undisturbed();
  std::string job = kJob;
  const size_t begin = job.find("network {"), end = job.find("data {");
  job.replace(begin, end - begin, "network { served { name: 'bright' } }\n");
  job = absl::StrReplaceAll(job, {{"input { field: \"image\" scale_range {} }", ""}, {"epochs: 12", "epochs: 1"}});
  dir_.Write("job.textproto", job);
  TrainProcess lost(Arguments("lost"));
  EXPECT_EQ(lost.Wait(), kFailed) << "nobody has said where it is";
  TrainProcess process(Arguments("out", {"--served-model=" + (dir_ / "undisturbed/result/model.onnx")}));
  ASSERT_EQ(process.Wait(), kDone) << process.Output();
  EXPECT_GT(process.Epochs().front().training().accuracy(), 0.8) << "it has learned before";
  Sha256 digest;
  digest.Update(parent.data(), parent.size());
  const auto lineage = nlohmann::json::parse(Contents("out/result/lineage.json"));
  EXPECT_EQ(lineage["parent"]["sha256"], ToHex(digest.Finish()));
}

// ---------------------------------------------------------------- what is wrong

TEST_F(BeakTrainTest, WrongUsageIsTwo) {
  const std::string job = dir_ / "job.textproto", output = "--output=" + (dir_ / "out");
  const std::vector<std::string> lines[] = {
      {},
      {job},  // no --output
      {job, output, "--threads=0"},
      {job, output, "--memory-limit-bytes=-1"},
      {job, output, "--no-such-flag"},
      {job, output, "--control-fd=77"},
      {job, output, "--events-fd=77"},
      {job, output, "another"},
  };
  for (const std::vector<std::string>& line : lines) {
    TrainProcess process(line, {.events = false});
    EXPECT_EQ(process.Wait(), kUsage) << ::testing::PrintToString(line) << process.Output();
    EXPECT_THAT(process.Output(), HasSubstr("--help"));
  }
  EXPECT_FALSE(std::filesystem::exists(dir_ / "out"));
  TrainProcess help({"--help"}, {.events = false});
  EXPECT_EQ(help.Wait(), kDone);
  EXPECT_THAT(help.Output(), AllOf(HasSubstr("--resume"), HasSubstr("Exit status")));
}

TEST_F(BeakTrainTest, WhatIsWrongWithAJobIsToldAtOnce) {
  dir_.Write("outside/image.npy", "");
  const struct {
    const char *from, *to;
    std::vector<std::string> flags;
    absl::StatusCode code;
    std::vector<const char*> expected;
  } cases[] = {
      {"epochs: 12", "epochs: {", {}, absl::StatusCode::kInvalidArgument, {"job.textproto", ":"}},
      {"epochs: 12 batch_size: 8",
       "batch_size: -8",
       {},
       absl::StatusCode::kInvalidArgument,
       {"training.epochs: ", "training.batch_size: "}},
      {"image.npy", "none.npy", {}, absl::StatusCode::kNotFound, {"none.npy"}},
      {"image.npy",
       "../image.npy",
       {"--data-dir=" + (dir_ / "outside")},
       absl::StatusCode::kPermissionDenied,
       {"../image.npy"}},
      {"units: 3", "units: 2", {}, absl::StatusCode::kInvalidArgument, {"3"}},
      {"shape: [1, 8, 8]", "shape: [1, 9, 8]", {}, absl::StatusCode::kInvalidArgument, {"[1, 9, 8]", "[1, 8, 8]"}},
      {"epochs: 12",
       "epochs: 13",
       {"--memory-limit-bytes=1000000"},
       absl::StatusCode::kResourceExhausted,
       {"planned peak: expected at most 1000000 bytes, got "}},
  };
  for (const auto& one : cases) {
    Change(one.from, one.to);
    for (const bool check : {true, false}) {
      std::vector<std::string> flags = one.flags;
      if (check) flags.push_back("--check");
      TrainProcess process(Arguments("out", flags));
      EXPECT_EQ(process.Wait(), kFailed) << one.to;
      ASSERT_TRUE(process.Failure().has_value()) << one.to;
      EXPECT_EQ(process.Failure()->code(), static_cast<int>(one.code)) << process.Failure()->message();
      for (const char* expected : one.expected) EXPECT_THAT(process.Failure()->message(), HasSubstr(expected));
      EXPECT_THAT(process.Output(), HasSubstr("beak-train: ")) << "people see it too";
      EXPECT_TRUE(process.Epochs().empty());
    }
  }
  TrainProcess none({dir_ / "none.textproto", "--check"});
  EXPECT_EQ(none.Wait(), kFailed);
  EXPECT_EQ(none.Failure()->code(), static_cast<int>(absl::StatusCode::kNotFound));
}

TEST_F(BeakTrainTest, ARateThatDivergesEndsTheJobWithItsStep) {
  Change("learning_rate: 0.01 }",
         "learning_rate: 0.01 } schedule { unit: EPOCH piecewise_constant { boundary: 1 rate: 1e30 } }");
  TrainProcess process(Arguments("out"));
  EXPECT_EQ(process.Wait(), kFailed);
  ASSERT_TRUE(process.Failure().has_value());
  EXPECT_THAT(process.Failure()->message(), AllOf(HasSubstr("step "), HasSubstr("finite")));
  EXPECT_FALSE(std::filesystem::is_empty(dir_ / "out/checkpoint")) << "the last good one is kept";
  EXPECT_FALSE(std::filesystem::exists(dir_ / "out/result"));
}

}  // namespace
}  // namespace beak
