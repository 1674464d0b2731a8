// Models that are loaded and unloaded by calls.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <string>

#include "proto/inference/model_config.pb.h"
#include "server/models/manager.h"
#include "tests/server/models/manager_fixture.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::StatusIs;

class ManagerCallsTest : public testing::ManagerFixture {};

TEST_F(ManagerCallsTest, ExplicitModeLoadsWhatItIsTold) {
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

TEST_F(ManagerCallsTest, AtStartExplicitModeLoadsWhatFlagsName) {
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

TEST_F(ManagerCallsTest, ALoadCallReadsTheFolderAgain) {
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

TEST_F(ManagerCallsTest, LoadsThatFailSaySo) {
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

TEST_F(ManagerCallsTest, UnloadedModelsStayKnown) {
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

TEST_F(ManagerCallsTest, LoadAndUnloadInQuickSuccession) {
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

TEST_F(ManagerCallsTest, AnUnloadWhileAReloadIsUnderWayEndsIt) {
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

TEST_F(ManagerCallsTest, PollingRefusesCalls) {
  Write(1, 2);
  Begin();
  EXPECT_THAT(LoadNow("scale"),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("explicit model load / unload is not allowed if polling is enabled"),
                             HasSubstr("--model-control-mode"))));
  EXPECT_THAT(UnloadNow("scale"), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ManagerCallsTest, AnOverrideReplacesFieldsUntilTheNextLoad) {
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

TEST_F(ManagerCallsTest, APinnedVersionIsServedAfterARestartToo) {
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

TEST_F(ManagerCallsTest, WhoeverWaitsIsToldOfTheEnd) {
  Write(1, 2);
  Begin(Explicit());
  const Answer answer = Load("scale");
  manager_->Stop();
  EXPECT_THAT(answer->value(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("shutting down")));
  EXPECT_THAT(Load("scale")->value(), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("shutting down")));
}

TEST_F(ManagerCallsTest, AVersionThatIsSaidToBeThereIsLoadedWhereItsModelIsWished) {
  Write(1, 2);
  WriteModel("other", 1, 2);
  Begin(Explicit());
  EXPECT_OK(LoadNow("scale"));
  Write(2, 3);
  WriteModel("other", 2, 3);
  for (const char* model : {"scale", "other", "none"}) manager_->LookSoon(model);
  Settle();
  EXPECT_EQ(Factor(), 3);
  EXPECT_FALSE(manager_->snapshot()->HasReadyVersion("other")) << "nobody has asked for it";
}

TEST_F(ManagerCallsTest, APinnedModelStaysAtItsVersionWhateverIsSaidToBeThere) {
  Write(1, 2);
  Write(2, 3);
  Begin(Explicit());
  EXPECT_OK(LoadNow("scale", R"({"version_policy":{"specific":{"versions":[1]}}})"));
  Write(3, 4);
  manager_->LookSoon("scale");
  Settle();
  EXPECT_EQ(Factor(), 2);
  EXPECT_THAT(manager_->snapshot()->models.at("scale").wanted, ElementsAre(1));
}

TEST_F(ManagerCallsTest, TheSnapshotTellsWhatIsWantedThoughItIsNotLoaded) {
  Write(1, 2);
  Write(2, 3);
  Begin(Explicit());
  EXPECT_THAT(manager_->snapshot()->models.at("scale").wanted, ElementsAre(2));
  EXPECT_OK(LoadNow("scale", R"({"version_policy":{"specific":{"versions":[1]}}})"));
  EXPECT_OK(UnloadNow("scale"));
  EXPECT_THAT(manager_->snapshot()->models.at("scale").wanted, ElementsAre(1)) << "pinned still";
}

}  // namespace
}  // namespace beak
