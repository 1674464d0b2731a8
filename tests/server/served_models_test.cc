#include "server/served_models.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "tests/server/support/networks.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

namespace fs = std::filesystem;

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ScaleNetwork;
using testing::StatusIs;
using testing::TempDir;

class RepositoryModelsTest : public ::testing::Test {
 protected:
  void Create(ModelManager::Options options = {}) {
    options.repository = repository_.path();
    auto manager = ModelManager::Create(options, metrics_);
    ASSERT_OK(manager);
    manager_ = *std::move(manager);
    models_ = std::make_unique<RepositoryModels>(*manager_, std::set<std::string>{"file"});
  }
  std::string Write(const std::string& model, int version) {
    return repository_.Write(model + "/" + std::to_string(version) + "/model.onnx", ScaleNetwork(2));
  }

  const TempDir repository_;
  Metrics metrics_{"test"};
  CancelToken never_;
  std::unique_ptr<ModelManager> manager_;
  std::unique_ptr<RepositoryModels> models_;
};

TEST_F(RepositoryModelsTest, FindsWhatServesAndItsFile) {
  Write("scale", 1);
  const std::string newest = Write("scale", 12);
  repository_.Write("scale/config.pbtxt", "version_policy { all {} }");
  repository_.Write("broken/1/model.onnx", "no model");
  ModelManager::Options options;
  options.load_retries = 0;
  Create(options);
  for (const char* model : {"scale", "broken", "none"}) {
    EXPECT_THAT(models_->Find(model, 0), StatusIs(absl::StatusCode::kUnavailable)) << "all may come, as it is";
  }
  manager_->LoadAll(never_);
  const auto found = models_->Find("scale", 0);
  ASSERT_OK(found);
  EXPECT_EQ(found->version, 12);
  EXPECT_TRUE(fs::equivalent(found->path, newest));
  EXPECT_EQ(models_->Find("scale", 1)->version, 1);
  EXPECT_THAT(models_->Find("scale", 3), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(models_->Find("none", 0), StatusIs(absl::StatusCode::kNotFound, HasSubstr("'none'")));
  EXPECT_THAT(models_->Find("broken", 0), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(models_->Find("broken", 1), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(RepositoryModelsTest, AnEnsembleHasNoFile) {
  Write("scale", 1);
  fs::create_directories(repository_ / "pair/1");
  repository_.Write("pair/config.pbtxt", R"(
    platform: "ensemble"
    max_batch_size: 8
    input { name: "in" data_type: TYPE_FP32 dims: 2 }
    output { name: "out" data_type: TYPE_FP32 dims: 2 }
    ensemble_scheduling { step { model_name: "scale" model_version: -1
      input_map { key: "x" value: "in" } output_map { key: "y" value: "out" } } })");
  Create();
  manager_->LoadAll(never_);
  EXPECT_THAT(models_->Find("pair", 0), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("ensemble")));
}

TEST_F(RepositoryModelsTest, InUseIsWhatServesOrIsWanted) {
  for (int version = 1; version <= 3; ++version) Write("scale", version);
  repository_.Write("scale/config.pbtxt", "version_policy { specific { versions: 1 versions: 3 } }");
  Create();
  EXPECT_THAT(models_->InUse("scale"), ElementsAre(1, 3)) << "on their way";
  manager_->LoadAll(never_);
  EXPECT_THAT(models_->InUse("scale"), ElementsAre(1, 3));
  EXPECT_THAT(models_->InUse("none"), IsEmpty());
  ModelManager::Options options;
  options.mode = ControlMode::kExplicit;
  Create(options);
  manager_->LoadAll(never_);
  EXPECT_THAT(models_->InUse("scale"), ElementsAre(1, 3)) << "to be loaded once somebody asks";
}

TEST_F(RepositoryModelsTest, WhatIsPublishedIsLookedAtBeforeItsTime) {
  Write("scale", 1);
  ModelManager::Options options;
  options.poll_period = std::chrono::hours(1);
  Create(options);
  manager_->Start([] {});
  while (!models_->Find("scale", 1).ok()) std::this_thread::yield();
  Write("scale", 2);
  // The second look sees that it stands still.
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!models_->Find("scale", 2).ok() && std::chrono::steady_clock::now() < end) {
    models_->Published("scale", 2);
    std::this_thread::yield();
  }
  EXPECT_OK(models_->Find("scale", 2));
}

TEST_F(RepositoryModelsTest, OnlyModelsOfTheRepositoryGetVersions) {
  Create();
  EXPECT_OK(models_->CheckPublishable("new"));
  EXPECT_THAT(models_->CheckPublishable("file"), StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("'file'")));
  for (const char* name : {"", "a/b", "..", ".hidden", "a b"}) {
    EXPECT_THAT(models_->CheckPublishable(name), StatusIs(absl::StatusCode::kInvalidArgument)) << name;
  }
}

}  // namespace
}  // namespace beak
