#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/jobs/job_manager.h"
#include "server/jobs/job_state.h"
#include "server/observe/metrics.h"
#include "tests/server/jobs/trainer_support.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::testing {

// A manager on folders of its own, whose train processes are fake_trainer.cc.
class ManagerTest : public ::testing::Test {
 protected:
  using Job = v1::TrainJob;

  ManagerTest() {
    std::filesystem::create_directory(dir_ / "state");
    std::filesystem::create_directory(dir_ / "data");
    std::filesystem::create_directory(dir_ / "models");
    options_.state_dir = dir_ / "state";
    options_.data_dir = dir_ / "data";
    options_.model_repository = dir_ / "models";
    options_.train_program = FakeTrainer();
    options_.memory_limit_bytes = kNoMemoryLimit;
    options_.cores = 2;
    options_.threads = 2;
    options_.code_version = "1.2.3";
    options_.retry_delay = std::chrono::milliseconds(5);
    options_.tell_period = std::chrono::milliseconds(2);
    options_.store_period = std::chrono::milliseconds(5);
  }

  void StartManager() {
    manager_.reset();
    absl::StatusOr<std::unique_ptr<JobManager>> manager =
        JobManager::Create(options_, models_, metrics_, Clock::Real());
    ASSERT_OK(manager);
    manager_ = *std::move(manager);
  }

  absl::StatusOr<Job> TryCreate(const v1::TrainJobSpec& spec, const std::string& request_id = "",
                                bool validate_only = false) {
    std::promise<absl::StatusOr<Job>> made;
    manager_->CreateJob(request_id, spec, validate_only, [&](absl::StatusOr<Job> job) { made.set_value(job); });
    return made.get_future().get();
  }
  Job Create(const v1::TrainJobSpec& spec, const std::string& request_id = "") {
    absl::StatusOr<Job> job = TryCreate(spec, request_id);
    EXPECT_OK(job);
    return job.ok() ? *job : Job();
  }
  std::string CreateScripted(const std::string& script, const std::string& model = "m") {
    return Create(ScriptedJob(script, model)).id();
  }
  Job Get(const std::string& id) {
    const absl::StatusOr<Job> job = manager_->GetJob(id);
    EXPECT_OK(job);
    return job.ok() ? *job : Job();
  }
  std::shared_ptr<RecordingListener> Watch(const std::string& id) {
    auto listener = std::make_shared<RecordingListener>();
    EXPECT_OK(manager_->WatchJob(id, listener));
    return listener;
  }
  // The job once it is in a state, or has ended in another.
  Job Await(const std::string& id, Job::State state) {
    EXPECT_TRUE(Eventually([&] {
      const Job job = Get(id);
      return job.state() == state || HasEnded(job.state());
    }));
    const Job job = Get(id);
    EXPECT_EQ(Job::State_Name(job.state()), Job::State_Name(state)) << job.reason();
    return job;
  }
  Job AwaitStep(const std::string& id, int64_t step) {
    EXPECT_TRUE(Eventually([&] { return Get(id).progress().step() >= step || HasEnded(Get(id).state()); }));
    return Get(id);
  }
  std::string Folder(const std::string& id) const { return dir_ / ("state/jobs/" + id); }
  // Lets go of a job that holds; its folder comes a moment after its state.
  void LetGo(const std::string& id, const std::string& file = "go") {
    EXPECT_TRUE(Eventually([&] { return std::ofstream(Folder(id) + "/" + file).good(); }));
  }
  // The process that holds the job's folder, as long as it is in it; 0 where there is none.
  pid_t ProcessOf(const std::string& id) const {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      if (ReadText("/proc/" + name + "/cmdline").find("--output=" + Folder(id)) != std::string::npos &&
          ProcessState(std::stoi(name)) != 'Z') {
        return std::stoi(name);
      }
    }
    return 0;
  }
  // A model file that serves.
  std::string Serve(const std::string& model, int64_t version) {
    const std::string path =
        dir_.Write(absl::StrCat("models/", model, "/", version, "/model.onnx"), absl::StrCat("served ", version));
    models_.Serve(model, version, path);
    return path;
  }

  const TempDir dir_;
  JobManager::Options options_;
  FakeServedModels models_;
  Metrics metrics_{"1"};
  std::unique_ptr<JobManager> manager_;
};

}  // namespace beak::testing
