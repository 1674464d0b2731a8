#include "engine/job/result_folder.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>

#include "engine/base/check.h"
#include "engine/base/file.h"
#include "proto/inference/model_config.pb.h"
#include "tests/engine/support/run_graph.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOkAndHolds;
using ::testing::Pair;
using testing::StatusIs;
using testing::TempDir;

TEST(ResultFolderTest, IsThereWhole) {
  const TempDir dir;
  dir.Write("result.tmp/model.onnx", "left by a process that was killed");
  dir.Write("result.tmp/other", "likewise");
  const ResultFolder folder(dir.path());
  EXPECT_FALSE(folder.exists());
  v1::TrainResult result;
  result.set_parameters(12);
  ASSERT_OK(folder.Write({{kModelFile, "a"}, {kResultFile, result.SerializeAsString()}}));
  EXPECT_TRUE(folder.exists());
  EXPECT_THAT(ListDirectory(dir.path()), IsOkAndHolds(ElementsAre("result")));
  EXPECT_THAT(ListDirectory(dir / "result"), IsOkAndHolds(ElementsAre("model.onnx", "result.binpb")));
  ASSERT_OK_AND_ASSIGN(v1::TrainResult read, folder.ReadResult());
  EXPECT_EQ(read.parameters(), 12);
  read.set_parameters(13);
  ASSERT_OK(folder.ReplaceResult(read));
  ASSERT_OK_AND_ASSIGN(read, folder.ReadResult());
  EXPECT_EQ(read.parameters(), 13);
}

TEST(ResultFolderTest, IsNotThereInPart) {
  const TempDir dir;
  const ResultFolder folder(dir.path());
  signal(SIGXFSZ, SIG_IGN);
  rlimit before;
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit limit = {10, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  const absl::Status status = folder.Write({{kConfigFile, "small"}, {kModelFile, "more than the disk has room for"}});
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, SIG_DFL);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr("cannot write"));
  EXPECT_FALSE(folder.exists());
  ASSERT_OK(folder.Write({{kModelFile, "a"}}));
  EXPECT_THAT(ListDirectory(dir / "result"), IsOkAndHolds(ElementsAre("model.onnx")));
}

TEST(ResultFolderTest, ADamagedResultIsSaid) {
  const TempDir dir;
  dir.Write("result/result.binpb", "\xff\xff\xff");
  EXPECT_THAT(ResultFolder(dir.path()).ReadResult(), StatusIs(absl::StatusCode::kDataLoss, HasSubstr("result.binpb")));
}

TEST(LabelsTextTest, ALineAClass) {
  EXPECT_EQ(LabelsText({0, 3, {}}), "0\n1\n2\n");
  EXPECT_EQ(LabelsText({0, 2, {"tabby cat", "two\nlines"}}), "tabby cat\ntwo lines\n");
}

// What a config.pbtxt tells clients of how the only input, of this field, is brought to size.
std::string ResizeOf(const std::string& field) {
  v1::TrainJobSpec spec;
  BEAK_CHECK(google::protobuf::TextFormat::ParseFromString(
      "data { prepare { convert_to {} } prepare { resize { height: 4 width: 4 mode: CROP } } "
      "prepare { field: 'other' resize { height: 4 width: 4 mode: STRETCH } } }",
      &spec));
  spec.set_model("m");
  JobPlan plan;
  plan.input_fields = {1};
  plan.trainer.training.losses = {{"y"}};
  plan.classes = ClassTarget{0, 2, {}};
  data::Schema schema;
  schema.fields = {{"label", DType::kInt64, {}, 2, {}}, {field, DType::kFloat32, {3, 4, 4}, 0, {}}};
  inference::ModelConfig config;
  BEAK_CHECK(google::protobuf::TextFormat::ParseFromString(
      ConfigText(spec, plan, schema, testing::Parse("graph g\ninput x float32 [n, 3, 4, 4]\ny = Relu(x)\noutput y")),
      &config));
  EXPECT_EQ(config.name(), "m");
  EXPECT_EQ(config.output(0).label_filename(), "labels.txt");
  const auto found = config.parameters().find("image_resize");
  return found == config.parameters().end() ? "" : found->second.string_value();
}

TEST(ConfigTextTest, PicturesAreBroughtToSizeAsInTraining) {
  EXPECT_EQ(ResizeOf("image"), "crop");
  EXPECT_EQ(ResizeOf("other"), "stretch");
  EXPECT_EQ(ResizeOf("sound"), "");
}

}  // namespace
}  // namespace beak
