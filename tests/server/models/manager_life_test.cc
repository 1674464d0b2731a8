// Models whose folders change while they are served.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "proto/inference/model_config.pb.h"
#include "server/models/manager.h"
#include "tests/server/models/manager_fixture.h"
#include "tests/server/support/networks.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ScaleNetwork;
using testing::StatusIs;

class ManagerLifeTest : public testing::ManagerFixture {};

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
