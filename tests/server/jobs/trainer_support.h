#pragma once

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/mutex.h"
#include "proto/beak/v1/train.pb.h"
#include "server/jobs/job_manager.h"
#include "tests/support/eventually.h"

namespace beak::testing {

// fake_trainer.cc as a program; it lies beside the tests.
inline std::string FakeTrainer() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "fake_trainer";
}

// Sanitizers reserve address space that RLIMIT_DATA counts.
inline constexpr int64_t kNoMemoryLimit = int64_t{1} << 50;

// A job for it.
inline v1::TrainJobSpec ScriptedJob(const std::string& script, const std::string& model = "m") {
  v1::TrainJobSpec spec;
  spec.set_model(model);
  spec.mutable_network()->set_description_file(script);
  spec.mutable_training()->set_epochs(1);
  return spec;
}

inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  // A process's file in /proc may end between open() and read(), which the iterators throw for and << does not.
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// 'T' stopped, 'Z' dead and not reaped, '-' gone ...
inline char ProcessState(pid_t pid) {
  const std::string stat = ReadText(absl::StrCat("/proc/", pid, "/stat"));
  const size_t name = stat.rfind(')');
  return name == std::string::npos ? '-' : stat[name + 2];
}

// Models that serve because a test says so. *Thread-safe.*
class FakeServedModels final : public ServedModels {
 public:
  absl::StatusOr<Version> Find(const std::string& model, int64_t version) const override {
    MutexLock lock(mutex_);
    if (const auto error = errors_.find(model); error != errors_.end()) return error->second;
    const auto versions = versions_.find(model);
    if (versions == versions_.end()) return absl::NotFoundError(absl::StrCat("no model '", model, "'"));
    const auto found = version == 0 ? std::prev(versions->second.end()) : versions->second.find(version);
    if (found == versions->second.end()) return absl::NotFoundError(absl::StrCat("no version ", version));
    return Version{found->first, found->second};
  }
  std::vector<int64_t> InUse(const std::string& model) const override {
    MutexLock lock(mutex_);
    std::vector<int64_t> versions;
    if (const auto found = versions_.find(model); found != versions_.end()) {
      for (const auto& [version, path] : found->second) versions.push_back(version);
    }
    return versions;
  }
  void Published(const std::string& model, int64_t version) override {
    MutexLock lock(mutex_);
    published_.push_back(absl::StrCat(model, " ", version));
  }
  absl::Status CheckPublishable(const std::string& model) const override {
    return model.empty() ? absl::InvalidArgumentError("expected a name, got ''") : absl::OkStatus();
  }

  void Serve(const std::string& model, int64_t version, const std::string& path) {
    MutexLock lock(mutex_);
    errors_.erase(model);
    versions_[model][version] = path;
  }
  void Fail(const std::string& model, absl::Status status) {
    MutexLock lock(mutex_);
    errors_[model] = std::move(status);
  }
  std::vector<std::string> published() const {
    MutexLock lock(mutex_);
    return published_;
  }

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::map<int64_t, std::string>> versions_ GUARDED_BY(mutex_);
  std::map<std::string, absl::Status> errors_ GUARDED_BY(mutex_);
  std::vector<std::string> published_ GUARDED_BY(mutex_);
};

// Writes down what it is told, and lets a test wait for it. *Thread-safe.*
class RecordingListener final : public JobListener {
 public:
  void OnJob(const v1::TrainJob& job) override { Record(absl::StrCat("job ", v1::TrainJob::State_Name(job.state()))); }
  void OnProgress(const v1::TrainProgress& progress) override {
    MutexLock lock(mutex_);
    progress_.push_back(progress);
    changed_.NotifyAll();
  }
  void OnEpoch(const v1::EpochReport& epoch) override { Record(absl::StrCat("epoch ", epoch.epoch())); }
  void OnNotice(const std::string& notice) override { Record(absl::StrCat("notice ", notice)); }
  void OnEnd(const absl::Status& status) override {
    Record(absl::StrCat("end ", absl::StatusCodeToString(status.code())));
  }

  // All but progress, in order.
  std::vector<std::string> told() const {
    MutexLock lock(mutex_);
    return told_;
  }
  std::vector<v1::TrainProgress> progress() const {
    MutexLock lock(mutex_);
    return progress_;
  }
  // Returns whether it comes within a minute, or has come.
  bool Await(const std::string& line) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    MutexLock lock(mutex_);
    while (std::find(told_.begin(), told_.end(), line) == told_.end()) {
      if (std::chrono::steady_clock::now() > end) return false;
      changed_.WaitUntil(mutex_, end);
    }
    return true;
  }
  template <typename Condition>
  bool AwaitProgress(const Condition& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    MutexLock lock(mutex_);
    while (std::find_if(progress_.begin(), progress_.end(), condition) == progress_.end()) {
      if (std::chrono::steady_clock::now() > end) return false;
      changed_.WaitUntil(mutex_, end);
    }
    return true;
  }

 private:
  void Record(std::string line) {
    MutexLock lock(mutex_);
    told_.push_back(std::move(line));
    changed_.NotifyAll();
  }

  mutable Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> told_ GUARDED_BY(mutex_);
  std::vector<v1::TrainProgress> progress_ GUARDED_BY(mutex_);
};

}  // namespace beak::testing
