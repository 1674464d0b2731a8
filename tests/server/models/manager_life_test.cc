// Models that change while they are served. Nothing here waits: loads run when the test says so.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/io/npy.h"
#include "proto/inference/model_config.pb.h"
#include "server/models/manager.h"
#include "tests/server/support/networks.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::FakeClock;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ScaleNetwork;
using testing::StatusIs;

// Holds loads until they are let go.
class HeldLoader final : public Loader {
 public:
  explicit HeldLoader(std::deque<std::function<void()>>* held) : held_(held) {}
  void Submit(std::function<void()> load) override { held_->push_back(std::move(load)); }
  void Stop() override {}

 private:
  std::deque<std::function<void()>>* held_;
};

class ManagerLifeTest : public ::testing::Test {
 protected:
  // Scans, decides, and has nothing loaded yet.
  void Create(ModelManager::Options options = {}) {
    manager_.reset();
    held_.clear();
    options.repository = repository_.path();
    options.resident_bytes = [this] { return resident_; };
    auto manager = ModelManager::Create(options, metrics_, clock_, std::make_unique<HeldLoader>(&held_));
    ASSERT_OK(manager);
    manager_ = *std::move(manager);
  }
  void Begin(const ModelManager::Options& options = {}) {
    Create(options);
    Settle();
  }
  static ModelManager::Options Explicit() {
    ModelManager::Options options;
    options.mode = ControlMode::kExplicit;
    return options;
  }

  // Lets loads run until there are none.
  void Settle() {
    manager_->Step();
    while (!held_.empty()) RunOne();
  }
  void RunOne() {
    const std::function<void()> load = std::move(held_.front());
    held_.pop_front();
    load();
    manager_->Step();
  }
  // The repository is looked at often enough for what stands still to be seen.
  void Look() {
    for (int i = 0; i < 2; ++i) {
      manager_->Look();
      manager_->Step();
    }
  }
  void LookAndSettle() {
    Look();
    Settle();
  }

  void Write(int version, float factor) { WriteModel("scale", version, factor); }
  void WriteModel(const std::string& model, int version, float factor) {
    // As somebody would who replaces a file: never the same inode.
    const std::string path = model + "/" + std::to_string(version) + "/model.onnx";
    fs::remove(repository_ / path);
    repository_.Write(path, ScaleNetwork(factor));
    fs::last_write_time(repository_ / path, fs::file_time_type(std::chrono::seconds(++writes_)));
  }
  void Remove(const std::string& what) { fs::remove_all(repository_ / what); }

  std::shared_ptr<const ModelVersion> Find(const std::string& version = "") {
    const auto found = manager_->snapshot()->Find("scale", version);
    return found.ok() ? *found : nullptr;
  }
  // What serves makes of 1; 0 where nothing serves.
  float Factor() {
    const auto version = Find();
    if (!version) return 0;
    auto lease = version->Programs({{2}})->Acquire(1, 1);
    EXPECT_OK(lease);
    const float row[] = {1, 10};
    std::memcpy(lease->input(0).data(), row, sizeof(row));
    EXPECT_OK(lease->Run(nullptr));
    float answer = 0;
    std::memcpy(&answer, lease->output(0).data(), sizeof(answer));
    return answer;
  }
  VersionEntry Entry(int64_t version, const std::string& model = "scale") {
    const auto snapshot = manager_->snapshot();
    const auto found = snapshot->models.find(model);
    if (found == snapshot->models.end() || found->second.versions.count(version) == 0) {
      ADD_FAILURE() << model << " version " << version << " is not known";
      return {};
    }
    return found->second.versions.at(version);
  }
  VersionState State(int64_t version) { return Entry(version).state; }
  bool Known(int64_t version) {
    const auto snapshot = manager_->snapshot();
    const auto found = snapshot->models.find("scale");
    return found != snapshot->models.end() && found->second.versions.count(version) == 1;
  }

  // Calls; what they are answered with.
  using Answer = std::shared_ptr<std::optional<absl::Status>>;
  Answer Load(const std::string& model, const std::optional<std::string>& config = std::nullopt) {
    const auto answer = std::make_shared<std::optional<absl::Status>>();
    manager_->Load(model, config, [answer](const absl::Status& status) {
      EXPECT_FALSE(*answer) << "answered twice";
      *answer = status;
    });
    manager_->Step();
    return answer;
  }
  absl::Status LoadNow(const std::string& model, const std::optional<std::string>& config = std::nullopt) {
    const Answer answer = Load(model, config);
    Settle();
    EXPECT_TRUE(*answer);
    return answer->value_or(absl::UnknownError("no answer"));
  }
  absl::Status UnloadNow(const std::string& model) {
    absl::Status answer = absl::UnknownError("no answer");
    manager_->Unload(model, [&answer](const absl::Status& status) { answer = status; });
    manager_->Step();
    return answer;
  }

  const testing::TempDir repository_;
  const testing::TempDir state_;
  Metrics metrics_{"test"};
  FakeClock clock_;
  std::deque<std::function<void()>> held_;
  std::unique_ptr<ModelManager> manager_;
  int writes_ = 0;
  int64_t resident_ = 0;
};

// ---------------------------------------------------------------- the repository changes

TEST_F(ManagerLifeTest, ANewVersionTakesOverWhenItIsReady) {
  Write(1, 2);
  Begin();
  EXPECT_EQ(Factor(), 2);
  Write(2, 3);
  Look();
  EXPECT_EQ(State(2), VersionState::kLoading);
  EXPECT_EQ(Factor(), 2) << "the old one serves until then";
  Settle();
  EXPECT_EQ(Factor(), 3);
  EXPECT_THAT(Entry(1).reason, HasSubstr("replaced by version 2"));
}

TEST_F(ManagerLifeTest, TheOldOneDrainsUntilItsLastReferenceIsGone) {
  Write(1, 2);
  Begin();
  auto request = Find();
  Write(2, 3);
  LookAndSettle();
  EXPECT_EQ(State(1), VersionState::kDraining);
  EXPECT_THAT(manager_->snapshot()->Find("scale", "1"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(metrics_.Text(), HasSubstr(R"(state="draining",version="1"} 1)"));
  request.reset();
  manager_->Step();
  EXPECT_EQ(State(1), VersionState::kUnloaded);
  EXPECT_THAT(metrics_.Text(), Not(HasSubstr(R"(version="1")"))) << "no series is left";
}

TEST_F(ManagerLifeTest, AnotherFileForTheSameVersionIsLoadedAnew) {
  Write(1, 2);
  Begin();
  const auto request = Find();
  Write(1, 5);
  Look();
  EXPECT_EQ(State(1), VersionState::kReady);
  EXPECT_EQ(Factor(), 2);
  Settle();
  EXPECT_EQ(Factor(), 5);
  EXPECT_EQ(State(1), VersionState::kReady) << "though the old one still answers a request";
}

TEST_F(ManagerLifeTest, AReloadThatFailsLeavesWhatServes) {
  Write(1, 2);
  Begin();
  repository_.Write("scale/1/model.onnx", "no model");
  LookAndSettle();
  EXPECT_EQ(Factor(), 2);
  EXPECT_EQ(State(1), VersionState::kReady);
  EXPECT_THAT(Entry(1).reason, HasSubstr("reload failed: "));
  Write(1, 3);
  LookAndSettle();
  EXPECT_EQ(Factor(), 3);
  EXPECT_EQ(Entry(1).reason, "");
}

TEST_F(ManagerLifeTest, AVersionThatFailsLeavesTheOneBeforeIt) {
  Write(1, 2);
  Begin();
  repository_.Write("scale/2/model.onnx", "no model");
  LookAndSettle();
  EXPECT_EQ(State(2), VersionState::kFailed);
  EXPECT_EQ(Factor(), 2);
  Write(2, 3);
  LookAndSettle();
  EXPECT_EQ(Factor(), 3);
}

TEST_F(ManagerLifeTest, HalfCopiedFoldersAreWaitedFor) {
  Write(1, 2);
  Begin();
  fs::create_directory(repository_ / "scale/2");
  Look();
  EXPECT_FALSE(Known(2)) << "an empty folder is on its way";
  const std::string network = ScaleNetwork(3);
  for (size_t copied = 10; copied < network.size(); copied += 40) {
    repository_.Write("scale/2/model.onnx", network.substr(0, copied));
    manager_->Look();
    manager_->Step();
    EXPECT_TRUE(held_.empty()) << "it has changed since the last look";
  }
  repository_.Write("scale/2/model.onnx", network);
  LookAndSettle();
  EXPECT_EQ(Factor(), 3);
}

TEST_F(ManagerLifeTest, EnsemblesComeWithAnEmptyFolderAndChangeWithTheirConfiguration) {
  Begin();
  const auto config = [&](int rows) {
    repository_.Write("mean/config.pbtxt", "max_batch_size: " + std::to_string(rows) + R"(
        input { name: 'x' data_type: TYPE_FP32 dims: [2] } output { name: 'y' data_type: TYPE_FP32 dims: [2] }
        beak { averaging { member { model_name: 'nobody has this yet' } } })");
  };
  config(4);
  fs::create_directories(repository_ / "mean/1");
  LookAndSettle();
  ASSERT_OK_AND_ASSIGN(auto version, manager_->snapshot()->Find("mean", ""));
  EXPECT_NE(version->ensemble(), nullptr);
  EXPECT_EQ(version->signature().max_batch_size, 4);
  config(8);
  LookAndSettle();
  ASSERT_OK_AND_ASSIGN(version, manager_->snapshot()->Find("mean", ""));
  EXPECT_EQ(version->signature().max_batch_size, 8);
}

TEST_F(ManagerLifeTest, ModelsComeAndGo) {
  Begin();
  EXPECT_TRUE(manager_->snapshot()->models.empty());
  Write(1, 2);
  LookAndSettle();
  EXPECT_EQ(Factor(), 2);
  Remove("scale");
  Look();
  EXPECT_EQ(Factor(), 0);
  EXPECT_EQ(State(1), VersionState::kUnloaded);
  EXPECT_THAT(Entry(1).reason, HasSubstr("removed from the repository"));
  Look();
  EXPECT_TRUE(manager_->snapshot()->models.empty());
  Write(1, 4);
  LookAndSettle();
  EXPECT_EQ(Factor(), 4);
}

TEST_F(ManagerLifeTest, AVersionThatIsDeletedWhileItServesDrains) {
  Write(1, 2);
  Write(2, 3);
  Begin();
  const auto request = Find();
  Remove("scale/2");
  Look();
  EXPECT_EQ(Factor(), 3) << "until the one before it is back";
  Settle();
  EXPECT_EQ(State(2), VersionState::kDraining);
  EXPECT_EQ(Factor(), 2) << "the one before it is the newest again";
  EXPECT_OK(request->Programs({{2}})->Acquire(1, 1)) << "who has it keeps it";
}

TEST_F(ManagerLifeTest, AVersionThatIsDeletedWhileItLoadsIsNotServed) {
  Write(1, 2);
  Begin();
  Write(2, 3);
  Look();
  Remove("scale/2");
  Look();
  Settle();
  EXPECT_EQ(Factor(), 2);
}

TEST_F(ManagerLifeTest, RapidChangesEndWithTheLast) {
  Write(1, 2);
  Begin();
  for (int i = 0; i < 20; ++i) {
    Write(1 + i % 3, static_cast<float>(i + 3));
    if (i % 4 == 3) Remove("scale/" + std::to_string(1 + (i + 1) % 3));
    Look();
    EXPECT_NE(Factor(), 0) << "step " << i;
    if (!held_.empty() && i % 2 == 0) RunOne();
    EXPECT_NE(Factor(), 0) << "step " << i;
  }
  Remove("scale/2");
  Remove("scale/3");
  Write(1, 99);
  LookAndSettle();
  LookAndSettle();
  EXPECT_EQ(Factor(), 99);
}

TEST_F(ManagerLifeTest, ThePolicyMayChangeWithoutReloading) {
  Write(1, 2);
  Write(2, 3);
  Begin();
  const auto before = Find("2");
  repository_.Write("scale/config.pbtxt", "version_policy { all {} }");
  LookAndSettle();
  EXPECT_NE(Find("1"), nullptr);
  EXPECT_EQ(Find("2"), before);
}

TEST_F(ManagerLifeTest, AConfigurationThatBreaksLeavesWhatServes) {
  repository_.Write("scale/config.pbtxt", "version_policy { all {} }");
  Write(1, 2);
  Write(2, 3);
  Begin();
  repository_.Write("scale/config.pbtxt", "nonsense");
  LookAndSettle();
  EXPECT_NE(Find("1"), nullptr);
  EXPECT_EQ(Factor(), 3);
  EXPECT_THAT(Entry(2).reason, HasSubstr("config.pbtxt:1:"));
  repository_.Write("scale/config.pbtxt", "version_policy { all {} } max_batch_size: 4");
  LookAndSettle();
  EXPECT_EQ(Find("1")->config().max_batch_size(), 4);
}

TEST_F(ManagerLifeTest, LabelsThatChangeAreReadAgain) {
  repository_.Write("scale/config.pbtxt", "output { name: 'y' label_filename: 'names.txt' }");
  repository_.Write("scale/names.txt", "a\nb\n");
  Write(1, 2);
  Begin();
  repository_.Write("scale/names.txt", "cat\ndog\n");
  LookAndSettle();
  EXPECT_THAT(Find()->signature().outputs[0].labels, ElementsAre("cat", "dog"));
}

TEST_F(ManagerLifeTest, ARepositoryThatCannotBeReadChangesNothing) {
  Write(1, 2);
  Begin();
  fs::rename(repository_.path(), repository_.path() + ".away");
  Look();
  EXPECT_EQ(Factor(), 2);
  fs::rename(repository_.path() + ".away", repository_.path());
  Write(2, 3);
  LookAndSettle();
  EXPECT_EQ(Factor(), 3);
}

TEST_F(ManagerLifeTest, AFolderWithABadNameStopsNothing) {
  Write(1, 2);
  Begin();
  fs::create_directory(repository_ / "bad name");
  Write(2, 3);
  LookAndSettle();
  EXPECT_EQ(Factor(), 3);
}

TEST_F(ManagerLifeTest, ModeNoneFollowsNothing) {
  Write(1, 2);
  ModelManager::Options options;
  options.mode = ControlMode::kNone;
  Begin(options);
  Write(2, 3);
  LookAndSettle();
  EXPECT_EQ(Factor(), 2);
  EXPECT_THAT(LoadNow("scale"), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("--model-control-mode=none")));
}

TEST_F(ManagerLifeTest, HealthHearsOfEveryChangeAndOfNothingElse) {
  Write(1, 2);
  Begin();
  int changes = 0;
  manager_->OnChange([&] { ++changes; });
  LookAndSettle();
  EXPECT_EQ(changes, 0);
  Write(2, 3);
  LookAndSettle();
  manager_->Step();
  EXPECT_EQ(changes, 3) << "loading; ready, the old one draining; unloaded";
}

// ---------------------------------------------------------------- failures

TEST_F(ManagerLifeTest, FailuresThatMayPassAreTriedAgainLaterAndLater) {
  repository_.Write("scale/1/other", "");
  ModelManager::Options options;
  options.load_retries = 2;
  Begin(options);
  EXPECT_EQ(State(1), VersionState::kFailed);
  clock_.Advance(std::chrono::milliseconds(999));
  Settle();
  EXPECT_EQ(State(1), VersionState::kFailed);

  clock_.Advance(std::chrono::milliseconds(1));
  manager_->Step();
  EXPECT_EQ(State(1), VersionState::kLoading) << "after a second";
  Settle();
  clock_.Advance(std::chrono::milliseconds(1999));
  manager_->Step();
  EXPECT_EQ(State(1), VersionState::kFailed);
  clock_.Advance(std::chrono::milliseconds(1));
  manager_->Step();
  EXPECT_EQ(State(1), VersionState::kLoading) << "after two more";
  Settle();
  clock_.Advance(std::chrono::hours(1));
  manager_->Step();
  EXPECT_EQ(State(1), VersionState::kFailed) << "not for ever";
}

TEST_F(ManagerLifeTest, OtherFailuresAreNotTriedAgain) {
  Write(1, 2);
  repository_.Write("scale/config.pbtxt", "input { name: 'nosuch' }");
  Begin();
  clock_.Advance(std::chrono::hours(1));
  manager_->Step();
  EXPECT_TRUE(held_.empty());
  EXPECT_EQ(State(1), VersionState::kFailed);
}

TEST_F(ManagerLifeTest, GoldenSamplesMustBeMetBeforeAVersionServes) {
  Write(1, 2);
  Begin();
  Write(2, 3);
  repository_.Write("scale/2/golden/a/x.npy", FormatNpy(Tensor::Of<float>({1, 2}, {1, 10})));
  repository_.Write("scale/2/golden/a/y.npy", FormatNpy(Tensor::Of<float>({1, 2}, {2, 20})));
  LookAndSettle();
  EXPECT_THAT(Entry(2).reason, AllOf(HasSubstr("FAILED_PRECONDITION"), HasSubstr("golden sample 'a'")));
  EXPECT_EQ(Factor(), 2);
}

TEST_F(ManagerLifeTest, WarmUpsOfTheConfigurationRun) {
  Write(1, 2);
  repository_.Write("scale/config.pbtxt",
                    "max_batch_size: 4 model_warmup { name: 'w' inputs { key: 'x' value { data_type: TYPE_FP32 dims: 2 "
                    "input_data_file: 'none' } } }");
  Begin();
  EXPECT_THAT(Entry(1).reason, HasSubstr("model_warmup 'w'"));
  repository_.Write("scale/warmup/none", std::string(8, '\0'));
  LookAndSettle();
  EXPECT_EQ(Factor(), 2) << "the file is part of what decides";
}

TEST_F(ManagerLifeTest, WhatDoesNotFitIsRefusedAndTheOldOneServes) {
  Write(1, 2);
  ModelManager::Options options;
  options.memory_limit_bytes = int64_t{1} << 30;
  Begin(options);
  EXPECT_EQ(Factor(), 2);
  Write(2, 3);
  const std::string large = repository_.Write("scale/2/large", "");
  fs::resize_file(large, uint64_t{1} << 30);  // a hole: takes no space
  LookAndSettle();
  EXPECT_THAT(Entry(2).reason, AllOf(HasSubstr("RESOURCE_EXHAUSTED"), HasSubstr("--memory-limit-bytes"),
                                     HasSubstr(std::to_string(options.memory_limit_bytes))));
  EXPECT_EQ(Factor(), 2);
  fs::remove(large);
  LookAndSettle();
  EXPECT_EQ(Factor(), 3);
}

TEST_F(ManagerLifeTest, RoomThatIsFreedIsUsed) {
  WriteModel("other", 1, 2);
  ModelManager::Options options;
  options.memory_limit_bytes = int64_t{1} << 30;
  options.load_retries = 0;
  Begin(options);
  resident_ = int64_t{1} << 30;
  Write(1, 2);
  LookAndSettle();
  EXPECT_EQ(State(1), VersionState::kFailed);
  clock_.Advance(std::chrono::hours(1));
  Settle();
  EXPECT_EQ(State(1), VersionState::kFailed) << "no retries";
  resident_ = 0;
  Remove("other");
  LookAndSettle();
  EXPECT_EQ(Factor(), 2);
}

TEST_F(ManagerLifeTest, LoadsBeyondTheNumberOfThreadsWaitTheirTurn) {
  for (const char* model : {"a", "b", "c"}) WriteModel(model, 1, 2);
  ModelManager::Options options;
  options.load_threads = 2;
  Create(options);
  manager_->Step();
  EXPECT_EQ(held_.size(), 2u);
  RunOne();
  EXPECT_EQ(held_.size(), 2u);
}

// ---------------------------------------------------------------- the process ends

TEST_F(ManagerLifeTest, WhatKillsTheProcessTwiceIsQuarantined) {
  Write(1, 2);
  WriteModel("other", 1, 2);
  ModelManager::Options options;
  options.state_dir = state_.path();
  options.load_threads = 1;
  for (int death = 0; death < 2; ++death) {
    Create(options);
    manager_->Step();
    RunOne();  // "other" is done, "scale" is under way
    ASSERT_EQ(held_.size(), 1u);
  }
  Begin(options);
  EXPECT_EQ(State(1), VersionState::kFailed);
  EXPECT_THAT(Entry(1).reason, HasSubstr("quarantined"));
  EXPECT_EQ(Entry(1, "other").state, VersionState::kReady) << "all else serves";
  Write(1, 3);
  LookAndSettle();
  EXPECT_EQ(Factor(), 3) << "its files have changed";
  Begin(options);
  EXPECT_EQ(Factor(), 3);
}

TEST_F(ManagerLifeTest, AnOrderlyEndIsNoDeath) {
  Write(1, 2);
  ModelManager::Options options;
  options.repository = repository_.path();
  options.state_dir = state_.path();
  for (int run = 0; run < 3; ++run) {
    auto manager = ModelManager::Create(options, metrics_);
    ASSERT_OK(manager);
    (*manager)->Start([] {});
    (*manager)->Stop();  // loading or not
  }
  Begin(options);
  EXPECT_EQ(Factor(), 2);
}

// ---------------------------------------------------------------- calls

TEST_F(ManagerLifeTest, ExplicitModeLoadsWhatItIsTold) {
  Write(1, 2);
  WriteModel("other", 1, 2);
  Begin(Explicit());
  EXPECT_EQ(Factor(), 0);
  EXPECT_EQ(manager_->snapshot()->models.at("scale").reason, "") << "known, and not asked for";
  const Answer answer = Load("scale");
  EXPECT_FALSE(*answer) << "not before it is ready";
  EXPECT_EQ(State(1), VersionState::kLoading);
  Settle();
  EXPECT_OK(answer->value());
  EXPECT_EQ(Factor(), 2);
  EXPECT_TRUE(manager_->snapshot()->models.at("other").versions.empty());
}

TEST_F(ManagerLifeTest, AtStartExplicitModeLoadsWhatFlagsName) {
  Write(1, 2);
  WriteModel("other", 1, 2);
  ModelManager::Options options = Explicit();
  options.load_at_start = {"scale"};
  Begin(options);
  EXPECT_EQ(Factor(), 2);
  EXPECT_FALSE(manager_->snapshot()->HasReadyVersion("other"));
  options.load_at_start = {"*"};
  Begin(options);
  EXPECT_TRUE(manager_->snapshot()->HasReadyVersion("other"));
  options.load_at_start = {"none"};
  options.repository = repository_.path();
  EXPECT_THAT(ModelManager::Create(options, metrics_), StatusIs(absl::StatusCode::kNotFound, HasSubstr("'none'")));
}

TEST_F(ManagerLifeTest, ALoadCallReadsTheFolderAgain) {
  Write(1, 2);
  Begin(Explicit());
  EXPECT_OK(LoadNow("scale"));
  const auto same = Find();
  EXPECT_OK(LoadNow("scale"));
  EXPECT_EQ(Find(), same) << "nothing has changed";
  Write(1, 3);
  EXPECT_EQ(Factor(), 2) << "nobody has asked";
  EXPECT_OK(LoadNow("scale"));
  EXPECT_EQ(Factor(), 3);
  Write(2, 4);
  EXPECT_OK(LoadNow("scale"));
  EXPECT_EQ(Factor(), 4);
}

TEST_F(ManagerLifeTest, LoadsThatFailSaySo) {
  Begin(Explicit());
  EXPECT_THAT(LoadNow("scale"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("failed to load 'scale', ")));
  EXPECT_THAT(LoadNow("../x"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(LoadNow(""), StatusIs(absl::StatusCode::kNotFound));
  fs::create_directory(repository_ / "scale");
  EXPECT_THAT(LoadNow("scale"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("versions")));
  repository_.Write("scale/1/model.onnx", "no model");
  EXPECT_THAT(LoadNow("scale"),
              StatusIs(absl::StatusCode::kDataLoss, HasSubstr("failed to load 'scale', version 1: ")));
  clock_.Advance(std::chrono::hours(1));
  manager_->Step();
  EXPECT_TRUE(held_.empty()) << "whoever called has been told, and may call again";
  EXPECT_FALSE(LoadNow("scale").ok()) << "tried again, the files being the same";
  Write(1, 2);
  EXPECT_OK(LoadNow("scale"));
}

TEST_F(ManagerLifeTest, UnloadedModelsStayKnown) {
  Write(1, 2);
  Begin(Explicit());
  EXPECT_OK(LoadNow("scale"));
  auto request = Find();
  EXPECT_OK(UnloadNow("scale"));
  EXPECT_EQ(Factor(), 0);
  EXPECT_EQ(State(1), VersionState::kDraining) << "the call has not waited";
  request.reset();
  manager_->Step();
  EXPECT_EQ(State(1), VersionState::kUnloaded);
  EXPECT_EQ(Entry(1).reason, "unloaded");
  EXPECT_OK(UnloadNow("scale")) << "once more changes nothing";
  EXPECT_THAT(UnloadNow("none"), StatusIs(absl::StatusCode::kNotFound, HasSubstr("failed to unload 'none'")));
  EXPECT_OK(LoadNow("scale"));
  EXPECT_EQ(Factor(), 2);
}

TEST_F(ManagerLifeTest, LoadAndUnloadInQuickSuccession) {
  Write(1, 2);
  Begin(Explicit());
  for (int i = 0; i < 5; ++i) {
    const Answer answer = Load("scale");
    EXPECT_OK(UnloadNow("scale"));
    Settle();
    EXPECT_THAT(answer->value(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("unloaded meanwhile")));
    EXPECT_EQ(Factor(), 0);
  }
  const auto holder = [&] {
    EXPECT_OK(LoadNow("scale"));
    return Find();
  }();
  EXPECT_OK(UnloadNow("scale"));
  EXPECT_EQ(State(1), VersionState::kDraining);
  EXPECT_OK(LoadNow("scale"));
  EXPECT_EQ(Factor(), 2) << "while the old object still answers";
}

TEST_F(ManagerLifeTest, AnUnloadWhileAReloadIsUnderWayEndsIt) {
  Write(1, 2);
  Begin(Explicit());
  EXPECT_OK(LoadNow("scale"));
  Write(1, 3);
  const Answer answer = Load("scale");
  ASSERT_EQ(held_.size(), 1u);
  EXPECT_OK(UnloadNow("scale"));
  Settle();
  EXPECT_FALSE(answer->value().ok());
  EXPECT_EQ(Factor(), 0);
  EXPECT_EQ(State(1), VersionState::kUnloaded);
  EXPECT_OK(LoadNow("scale"));
  EXPECT_EQ(Factor(), 3);
}

TEST_F(ManagerLifeTest, PollingRefusesCalls) {
  Write(1, 2);
  Begin();
  EXPECT_THAT(LoadNow("scale"),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("explicit model load / unload is not allowed if polling is enabled"),
                             HasSubstr("--model-control-mode"))));
  EXPECT_THAT(UnloadNow("scale"), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ManagerLifeTest, AnOverrideReplacesFieldsUntilTheNextLoad) {
  repository_.Write("scale/config.pbtxt", "output { name: 'y' label_filename: 'names.txt' }");
  repository_.Write("scale/names.txt", "a\nb\n");
  Write(1, 2);
  Begin(Explicit());
  EXPECT_OK(LoadNow("scale", R"({"max_batch_size":3})"));
  EXPECT_EQ(Find()->config().max_batch_size(), 3);
  EXPECT_THAT(Find()->signature().outputs[0].labels, ElementsAre("a", "b")) << "the rest is the file's";
  EXPECT_OK(LoadNow("scale"));
  EXPECT_EQ(Find()->config().max_batch_size(), 64);
  EXPECT_THAT(LoadNow("scale", R"({"nosuch":1})"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("failed to load 'scale', config:")));
  EXPECT_THAT(LoadNow("scale", R"({"default_model_filename":"../../secret"})"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Factor(), 2);
}

TEST_F(ManagerLifeTest, APinnedVersionIsServedAfterARestartToo) {
  Write(1, 2);
  Write(2, 3);
  ModelManager::Options options = Explicit();
  options.state_dir = state_.path();
  options.load_at_start = {"scale"};
  const std::string pin = R"({"version_policy":{"specific":{"versions":[1]}}})";
  Begin(options);
  EXPECT_EQ(Factor(), 3);
  const Answer answer = Load("scale", pin);
  EXPECT_EQ(Factor(), 3) << "until the other is ready";
  Settle();
  EXPECT_OK(answer->value());
  EXPECT_EQ(Factor(), 2);

  EXPECT_FALSE(LoadNow("scale", R"({"version_policy":{"specific":{"versions":[9]}}})").ok());
  EXPECT_EQ(Factor(), 2) << "a version that is not there changes nothing";
  Begin(options);
  EXPECT_EQ(Factor(), 2) << "the last that was loaded";
  EXPECT_OK(LoadNow("scale"));
  EXPECT_EQ(Factor(), 3);
  Begin(options);
  EXPECT_EQ(Factor(), 3);
}

TEST_F(ManagerLifeTest, WhoeverWaitsIsToldOfTheEnd) {
  Write(1, 2);
  Begin(Explicit());
  const Answer answer = Load("scale");
  manager_->Stop();
  EXPECT_THAT(answer->value(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("shutting down")));
  EXPECT_THAT(Load("scale")->value(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("shutting down")));
}

TEST_F(ManagerLifeTest, VersionsMayOutliveTheManager) {
  Write(1, 2);
  Begin();
  auto version = Find();
  manager_.reset();
  EXPECT_OK(version->Programs({{2}})->Acquire(1, 1));
  version.reset();
}

}  // namespace
}  // namespace beak
