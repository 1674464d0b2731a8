#include "server/models/manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/inference/model_config.pb.h"
#include "tests/server/support/networks.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::ScaleNetwork;
using testing::StatusIs;

class ManagerTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<ModelManager>> Create(std::vector<ModelFile> files = {}) {
    return ModelManager::Create({dir_.path(), std::move(files), 1}, metrics_);
  }
  std::unique_ptr<ModelManager> Loaded() {
    auto manager = Create();
    EXPECT_OK(manager);
    (*manager)->LoadAll(never_);
    return *std::move(manager);
  }
  // The state and reason of a version.
  VersionEntry Entry(const ModelManager& manager, const std::string& model, int64_t version) {
    return manager.snapshot()->models.at(model).versions.at(version);
  }

  const testing::TempDir dir_;
  Metrics metrics_{"test"};
  const CancelToken never_;
};

// What a version that doubles or triples its input makes of one row (1, 10).
std::vector<float> Answer(const ModelVersion& version) {
  auto lease = version.Programs({{2}})->Acquire(1, 1);
  EXPECT_OK(lease);
  const float row[] = {1, 10};
  std::memcpy(lease->input(0).data(), row, sizeof(row));
  EXPECT_OK(lease->Run(nullptr));
  std::vector<float> answer(2);
  std::memcpy(answer.data(), lease->output(0).data(), sizeof(row));
  return answer;
}

TEST_F(ManagerTest, ServesTheNewestVersionByDefault) {
  dir_.Write("scale/2/model.onnx", ScaleNetwork(2));
  dir_.Write("scale/10/model.onnx", ScaleNetwork(3));
  const auto manager = Loaded();
  EXPECT_TRUE(manager->first_load_done());
  ASSERT_OK_AND_ASSIGN(const auto version, manager->snapshot()->Find("scale", ""));
  EXPECT_EQ(version->version(), 10);
  EXPECT_THAT(Answer(*version), ElementsAre(3, 30));
  EXPECT_EQ(version->config().max_batch_size(), 64);
  EXPECT_THAT(manager->snapshot()->Find("scale", "2"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(metrics_.Text(), HasSubstr(R"(beak_model_version_state{model="scale",state="ready",version="10"} 1)"));
}

TEST_F(ManagerTest, FollowsTheVersionPolicyOfTheConfiguration) {
  dir_.Write("scale/config.pbtxt", "version_policy { specific { versions: [1, 7] } }");
  for (const char* file : {"scale/1/model.onnx", "scale/2/model.onnx"}) dir_.Write(file, ScaleNetwork(2));
  const auto manager = Loaded();
  EXPECT_OK(manager->snapshot()->Find("scale", "1"));
  EXPECT_THAT(manager->snapshot()->Find("scale", "2"), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(Entry(*manager, "scale", 7).state, VersionState::kFailed);
}

TEST_F(ManagerTest, WhatFailsIsSaidAndStopsNothingElse) {
  dir_.Write("a_corrupt/1/model.onnx", "this is no model");
  dir_.Write("b_config/1/model.onnx", ScaleNetwork(2));
  dir_.Write("b_config/config.pbtxt", "max_batch_size: 4\ninput { name: 'nosuch' }");
  dir_.Write("c_syntax/1/model.onnx", ScaleNetwork(2));
  dir_.Write("c_syntax/config.pbtxt", "max_batch_size 4");
  dir_.Write("d_missing/1/other.onnx", ScaleNetwork(2));
  dir_.Write("e_bare/readme", "");
  dir_.Write("f_backend/1/model.onnx", "");
  dir_.Write("f_backend/config.pbtxt", "backend: 'python'");
  dir_.Write("g_labels/1/model.onnx", ScaleNetwork(2));
  dir_.Write("g_labels/config.pbtxt", "output { name: 'y' label_filename: 'names.txt' }");
  dir_.Write("z_good/1/model.onnx", ScaleNetwork(2));
  const auto manager = Loaded();

  EXPECT_THAT(Entry(*manager, "b_config", 1).reason, HasSubstr("input 'nosuch'"));
  EXPECT_THAT(Entry(*manager, "c_syntax", 1).reason, HasSubstr("config.pbtxt:1:"));
  EXPECT_THAT(Entry(*manager, "d_missing", 1).reason, HasSubstr("d_missing/1/model.onnx"));
  EXPECT_THAT(manager->snapshot()->models.at("e_bare").reason, HasSubstr("versions"));
  EXPECT_THAT(Entry(*manager, "f_backend", 1).reason, HasSubstr("python"));
  EXPECT_THAT(Entry(*manager, "g_labels", 1).reason, HasSubstr("names.txt"));
  for (const char* model : {"a_corrupt", "b_config", "c_syntax", "d_missing", "f_backend", "g_labels"}) {
    EXPECT_EQ(Entry(*manager, model, 1).state, VersionState::kFailed) << model;
    EXPECT_THAT(metrics_.Text(), HasSubstr(std::string("beak_model_version_state{model=\"") + model +
                                           "\",state=\"failed\",version=\"1\"} 1"));
    EXPECT_THAT(metrics_.Text(), Not(HasSubstr(std::string("beak_batch_rows_count{model=\"") + model)))
        << "a version that is not served has no series";
  }
  EXPECT_OK(manager->snapshot()->Find("z_good", ""));
}

TEST_F(ManagerTest, ModelsAreLoadingUntilTheyAreLoaded) {
  dir_.Write("scale/1/model.onnx", ScaleNetwork(2));
  ASSERT_OK_AND_ASSIGN(const auto manager, Create());
  EXPECT_FALSE(manager->first_load_done());
  EXPECT_THAT(manager->snapshot()->Find("scale", ""), StatusIs(absl::StatusCode::kUnavailable));

  std::vector<bool> ready;
  manager->OnChange([&] { ready.push_back(manager->snapshot()->HasReadyVersion("scale")); });
  const auto before = manager->snapshot();
  manager->LoadAll(never_);
  EXPECT_THAT(ready, ElementsAre(true, true)) << "once for the model, once for the end of the first load";
  EXPECT_FALSE(before->HasReadyVersion("scale")) << "a snapshot never changes";
}

TEST_F(ManagerTest, LoadingStopsWhenAsked) {
  dir_.Write("scale/1/model.onnx", ScaleNetwork(2));
  ASSERT_OK_AND_ASSIGN(const auto manager, Create());
  CancelToken stop;
  stop.Cancel();
  manager->LoadAll(stop);
  EXPECT_FALSE(manager->first_load_done());
}

TEST_F(ManagerTest, LabelsAndAnotherFileNameComeFromTheConfiguration) {
  dir_.Write("scale/1/network.onnx", ScaleNetwork(2));
  dir_.Write("scale/names.txt", "cat\ndog\n");
  dir_.Write("scale/config.pbtxt",
             "default_model_filename: 'network.onnx' output { name: 'y' label_filename: 'names.txt' }");
  const auto manager = Loaded();
  ASSERT_OK_AND_ASSIGN(const auto version, manager->snapshot()->Find("scale", ""));
  EXPECT_THAT(version->signature().outputs[0].labels, ElementsAre("cat", "dog"));
}

TEST_F(ManagerTest, ASingleFileIsAModel) {
  const testing::TempDir elsewhere;
  ASSERT_OK_AND_ASSIGN(const auto manager, Create({{"mine", elsewhere.Write("net.onnx", ScaleNetwork(2))}}));
  manager->LoadAll(never_);
  ASSERT_OK_AND_ASSIGN(const auto version, manager->snapshot()->Find("mine", "1"));
  EXPECT_THAT(Answer(*version), ElementsAre(2, 20));
}

TEST_F(ManagerTest, WhatIsNamedWrongAtStartIsAnError) {
  const std::string file = dir_.Write("scale/1/model.onnx", ScaleNetwork(2));
  EXPECT_THAT(Create({{"scale", file}}), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("twice")));
  EXPECT_THAT(Create({{"x", dir_ / "none.onnx"}}), StatusIs(absl::StatusCode::kNotFound, HasSubstr("none.onnx")));
  EXPECT_THAT(Create({{"x y", file}}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ModelManager::Create({dir_ / "none", {}, 1}, metrics_),
              StatusIs(absl::StatusCode::kNotFound, AllOf(HasSubstr("model repository"), HasSubstr("none"))));
}

TEST_F(ManagerTest, GaugesFollowTheCaches) {
  dir_.Write("scale/1/model.onnx", ScaleNetwork(2));
  const auto manager = Loaded();
  ASSERT_OK_AND_ASSIGN(const auto version, manager->snapshot()->Find("scale", ""));
  const int loaded = version->num_programs();
  EXPECT_GE(loaded, 1);
  manager->RefreshMetrics();
  const auto series = [](int programs) {
    return absl::StrCat(R"(beak_model_programs{model="scale",version="1"} )", programs, "\n");
  };
  EXPECT_THAT(metrics_.Text(), HasSubstr(series(loaded)));
  EXPECT_OK(version->Programs({{2}})->Prepare(7, 1));
  manager->RefreshMetrics();
  EXPECT_THAT(metrics_.Text(), HasSubstr(series(loaded + 1)));
}

}  // namespace
}  // namespace beak
