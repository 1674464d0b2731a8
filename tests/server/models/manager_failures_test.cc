// Loads that fail, or that the process does not survive.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/io/npy.h"
#include "server/models/manager.h"
#include "tests/server/models/manager_fixture.h"
#include "tests/support/status_matchers.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::HasSubstr;

class ManagerFailuresTest : public testing::ManagerFixture {};

TEST_F(ManagerFailuresTest, FailuresThatMayPassAreTriedAgainLaterAndLater) {
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

TEST_F(ManagerFailuresTest, OtherFailuresAreNotTriedAgain) {
  Write(1, 2);
  repository_.Write("scale/config.pbtxt", "input { name: 'nosuch' }");
  Begin();
  clock_.Advance(std::chrono::hours(1));
  manager_->Step();
  EXPECT_TRUE(held_.empty());
  EXPECT_EQ(State(1), VersionState::kFailed);
}

TEST_F(ManagerFailuresTest, GoldenSamplesMustBeMetBeforeAVersionServes) {
  Write(1, 2);
  Begin();
  Write(2, 3);
  repository_.Write("scale/2/golden/a/x.npy", FormatNpy(Tensor::Of<float>({1, 2}, {1, 10})));
  repository_.Write("scale/2/golden/a/y.npy", FormatNpy(Tensor::Of<float>({1, 2}, {2, 20})));
  LookAndSettle();
  EXPECT_THAT(Entry(2).reason, AllOf(HasSubstr("FAILED_PRECONDITION"), HasSubstr("golden sample 'a'")));
  EXPECT_EQ(Factor(), 2);
}

TEST_F(ManagerFailuresTest, WarmUpsOfTheConfigurationRun) {
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

TEST_F(ManagerFailuresTest, WhatDoesNotFitIsRefusedAndTheOldOneServes) {
  Write(1, 2);
  ModelManager::Options options;
  options.memory_limit_bytes = int64_t{1} << 30;
  Begin(options);
  EXPECT_THAT(metrics_.Text(),
              HasSubstr("beak_memory_limit_bytes " + std::to_string(options.memory_limit_bytes) + "\n"));
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

TEST_F(ManagerFailuresTest, RoomThatIsFreedIsUsed) {
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

TEST_F(ManagerFailuresTest, LoadsBeyondTheNumberOfThreadsWaitTheirTurn) {
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

TEST_F(ManagerFailuresTest, WhatKillsTheProcessTwiceIsQuarantined) {
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

TEST_F(ManagerFailuresTest, AnOrderlyEndIsNoDeath) {
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

}  // namespace
}  // namespace beak
