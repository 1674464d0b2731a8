#include "server/models/repository.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::StatusIs;
using testing::TempDir;

TEST(ScanRepositoryTest, FindsModelsByNameAndVersionsByNumber) {
  const TempDir dir;
  for (const char* file : {"zebra/2/model.onnx", "zebra/10/model.onnx", "ant/1/model.onnx", "zebra/labels.txt"}) {
    dir.Write(file, "");
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<ModelFolder> models, ScanRepository(dir.path()));
  ASSERT_EQ(models.size(), 2u);
  EXPECT_EQ(models[0].name, "ant");
  EXPECT_EQ(models[1].name, "zebra");
  EXPECT_EQ(models[1].path, dir / "zebra");
  EXPECT_THAT(models[1].versions, ElementsAre(2, 10));
}

TEST(ScanRepositoryTest, PassesOverWhatIsNoModelAndNoVersion) {
  const TempDir dir;
  for (const char* file : {"README.md", ".git/1/model.onnx", "m/0/model.onnx", "m/01/model.onnx", "m/v2/model.onnx",
                           "m/-3/model.onnx", "m/3.tmp/model.onnx", "m/99999999999999999999/model.onnx", "m/4"}) {
    dir.Write(file, "");
  }
  ASSERT_OK_AND_ASSIGN(const std::vector<ModelFolder> models, ScanRepository(dir.path()));
  ASSERT_EQ(models.size(), 1u);
  EXPECT_THAT(models[0].versions, IsEmpty());
}

TEST(ScanRepositoryTest, AnEmptyRepositoryIsNoError) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const std::vector<ModelFolder> models, ScanRepository(dir.path()));
  EXPECT_THAT(models, IsEmpty());
}

TEST(ScanRepositoryTest, AMissingRepositoryIsAnErrorThatNamesIt) {
  const TempDir dir;
  EXPECT_THAT(ScanRepository(dir / "none"), StatusIs(absl::StatusCode::kNotFound, HasSubstr(dir / "none")));
  const std::string file = dir.Write("file", "");
  EXPECT_FALSE(ScanRepository(file).ok());
}

TEST(ScanRepositoryTest, AFolderThatCannotBeAModelsNameIsAnError) {
  const TempDir dir;
  dir.Write("two words/1/model.onnx", "");
  EXPECT_THAT(ScanRepository(dir.path()), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("'two words'")));
}

TEST(CheckModelNameTest, AcceptsPrintableNames) {
  for (const char* good : {"a", "mnist-v2", "a.b_c", "mnist@2"}) EXPECT_OK(CheckModelName(good));
  for (const std::string& bad : {std::string(), std::string("a b"), std::string("a/b"), std::string("a\n"),
                                 std::string("\xff"), std::string(256, 'x')}) {
    EXPECT_THAT(CheckModelName(bad), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

TEST(ReadLabelsTest, OneALine) {
  const TempDir dir;
  EXPECT_THAT(*ReadLabels(dir.Write("a", "cat\ndog\n")), ElementsAre("cat", "dog"));
  EXPECT_THAT(*ReadLabels(dir.Write("b", "cat\r\n\r\ndog")), ElementsAre("cat", "", "dog"));
  EXPECT_THAT(*ReadLabels(dir.Write("c", "")), IsEmpty());
  EXPECT_THAT(ReadLabels(dir / "d"), StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace beak
