#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/file.h"
#include "server/jobs/publisher.h"
#include "server/models/repository.h"
#include "tests/support/temp_dir.h"

namespace beak::testing {

inline constexpr const char* kOwner = "0123456789abcdef";

// A repository, and jobs "a" and "b" that have results.
class PublisherFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(repository_);
    WriteResult("a");
    WriteResult("b");
  }

  // What beak-train would have written for a job.
  void WriteResult(const std::string& job) {
    dir_.Write(job + "/result/model.onnx", "network of " + job + std::string(100000, '.'));
    dir_.Write(job + "/result/lineage.json", "{\"of\": \"" + job + "\"}");
    dir_.Write(job + "/result/labels.txt", "labels of " + job + "\n");
    dir_.Write(job + "/result/config.pbtxt", "# of " + job + "\n");
    dir_.Write(job + "/result/result.binpb", "");
  }

  Publication Of(const std::string& job, const std::string& model = "m") const {
    return {job, model, dir_ / (job + "/result"), 1764150000000};
  }

  // The versions that a server would see; fails where one of them is not whole.
  std::vector<int64_t> Versions(const std::string& model = "m") const {
    const absl::StatusOr<ModelFolder> folder = ScanModelFolder(repository_, model);
    if (!folder.ok()) return {};
    for (const int64_t version : folder->versions) {
      const std::string path = folder->path + "/" + std::to_string(version);
      if (!IsRegularFile(path + "/publication.json")) continue;  // not ours
      EXPECT_EQ(std::filesystem::file_size(path + "/model.onnx"), 100012u) << path;
      EXPECT_TRUE(IsRegularFile(path + "/lineage.json")) << path;
    }
    return folder->versions;
  }

  std::string Read(const std::string& name) const { return ReadFile(repository_ + "/" + name, 1 << 20).value_or(""); }

  // Everything in a folder, hidden names included.
  static std::vector<std::string> Names(const std::string& path) {
    return ListDirectory(path).value_or(std::vector<std::string>{});
  }

  TempDir dir_;
  const std::string repository_ = dir_ / "models";
  const Publisher publisher_{repository_, kOwner};
};

}  // namespace beak::testing
