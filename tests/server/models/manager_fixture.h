#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/models/manager.h"
#include "tests/server/support/networks.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::testing {

// Holds loads until they are let go.
class HeldLoader final : public Loader {
 public:
  explicit HeldLoader(std::deque<std::function<void()>>* held) : held_(held) {}
  void Submit(std::function<void()> load) override { held_->push_back(std::move(load)); }
  void Stop() override {}

 private:
  std::deque<std::function<void()>>* held_;
};

// A manager of models that change while they are served. Nothing here waits: loads run when the test says so.
class ManagerFixture : public ::testing::Test {
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
    std::filesystem::remove(repository_ / path);
    repository_.Write(path, ScaleNetwork(factor));
    std::filesystem::last_write_time(repository_ / path,
                                     std::filesystem::file_time_type(std::chrono::seconds(++writes_)));
  }
  void Remove(const std::string& what) { std::filesystem::remove_all(repository_ / what); }

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

  const TempDir repository_;
  const TempDir state_;
  Metrics metrics_{"test"};
  FakeClock clock_;
  std::deque<std::function<void()>> held_;
  std::unique_ptr<ModelManager> manager_;
  int writes_ = 0;
  int64_t resident_ = 0;
};

}  // namespace beak::testing
