#include "engine/tools/cases.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/engine/formats/onnx/model_builder.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::tools {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using testing::FloatTensor;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::ModelBuilder;
using testing::StatusIs;

std::string Relu() { return ModelBuilder(13).Input("x", {2}).Node("Relu", {"x"}, {"y"}).Output("y").Bytes(); }

// A model with one data set of what goes in and what must come out.
void WriteCase(const testing::TempDir& dir, const std::string& folder, const std::string& model,
               const std::vector<float>& input, const std::vector<float>& output) {
  dir.Write(folder + "/model.onnx", model);
  dir.Write(folder + "/test_data_set_0/input_0.pb", FloatTensor({2}, input).SerializeAsString());
  dir.Write(folder + "/test_data_set_0/output_0.pb", FloatTensor({2}, output).SerializeAsString());
}

std::vector<std::string> Found(const testing::TempDir& dir) {
  std::vector<std::string> names;
  const absl::StatusOr<std::vector<Case>> cases = FindCases(dir.path());
  EXPECT_THAT(cases, IsOk());
  for (const Case& c : *cases) {
    names.push_back(c.model.substr(dir.path().size() + 1) + " " + c.folder.substr(dir.path().size() + 1));
  }
  return names;
}

TEST(FindCasesTest, FindsEveryDataSetOfTheOnlyModel) {
  const testing::TempDir dir;
  for (const char* name : {"a/m.onnx", "a/test_data_set_0/x", "a/test_data_set_1/x", "b/c/n.onnx",
                           "b/c/test_data_set_0/x", "a/other/x", "b/lonely.onnx"}) {
    dir.Write(name, "");
  }
  EXPECT_THAT(Found(dir), ElementsAre("a/m.onnx a/test_data_set_0", "a/m.onnx a/test_data_set_1",
                                      "b/c/n.onnx b/c/test_data_set_0"));
}

TEST(FindCasesTest, SeveralModelsHaveDataSetsOfTheirName) {
  const testing::TempDir dir;
  for (const char* name : {"a.onnx", "a_b.onnx", "ort_a_data_set_0/x", "ort_a_b_data_set_0/x", "test_data_set_0/x"}) {
    dir.Write(name, "");
  }
  EXPECT_THAT(Found(dir), ElementsAre("a.onnx ort_a_data_set_0", "a_b.onnx ort_a_b_data_set_0"));
}

TEST(FindCasesTest, AFolderThatIsNotThereIsAnError) {
  EXPECT_THAT(FindCases("/nonexistent"), StatusIs(absl::StatusCode::kNotFound));
}

TEST(TestFoldersTest, CountsAndExplains) {
  const testing::TempDir dir;
  WriteCase(dir, "good", Relu(), {-1, 2}, {0, 2});
  WriteCase(dir, "wrong", Relu(), {-1, 2}, {0, 3});
  WriteCase(dir, "unknown", ModelBuilder(13).Input("x", {2}).Node("Erf", {"x"}, {"y"}).Output("y").Bytes(), {0, 0},
            {0, 0});
  WriteCase(dir, "corrupt", "corrupt", {0, 0}, {0, 0});
  std::ostringstream out;
  EXPECT_THAT(TestFolders({{dir.path()}}, out), StatusIs(absl::StatusCode::kInternal, HasSubstr("2 cases failed")));
  EXPECT_THAT(out.str(), AllOf(HasSubstr("PASS " + dir / "good"), HasSubstr("FAIL " + dir / "corrupt"),
                               HasSubstr("wrong/test_data_set_0: output 'y': expected 3 at element 1, got 2"),
                               HasSubstr("UNSUPPORTED " + dir / "unknown"), HasSubstr("unknown operator"),
                               EndsWith("\n1 passed, 2 failed, 1 unsupported\n")));
}

TEST(TestFoldersTest, UnsupportedCasesAreNoFailure) {
  const testing::TempDir dir;
  WriteCase(dir, "unknown", ModelBuilder(13).Input("x", {2}).Node("Erf", {"x"}, {"y"}).Output("y").Bytes(), {0, 0},
            {0, 0});
  std::ostringstream out;
  EXPECT_THAT(TestFolders({{dir.path()}}, out), IsOk());
}

TEST(TestFoldersTest, NoCaseAtAllIsAFailure) {
  const testing::TempDir dir;
  std::ostringstream out;
  EXPECT_THAT(TestFolders({{dir.path()}}, out), StatusIs(absl::StatusCode::kNotFound, HasSubstr("no cases found")));
}

TEST(RunCaseTest, EveryInputAndOutputMustBeStored) {
  const testing::TempDir dir;
  WriteCase(dir, "c", Relu(), {-1, 2}, {0, 2});
  std::filesystem::remove(dir / "c/test_data_set_0/output_0.pb");
  const Case c = {dir / "c/model.onnx", dir / "c/test_data_set_0"};
  EXPECT_THAT(RunCase(c, 1), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("outputs: expected 1")));
  std::filesystem::remove(dir / "c/test_data_set_0/input_0.pb");
  EXPECT_THAT(RunCase(c, 1), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("inputs: expected 1")));
}

TEST(RunCaseTest, ShapesAmongTheInputsAreFixed) {
  const testing::TempDir dir;
  dir.Write("m.onnx", ModelBuilder(13)
                          .Input("x", {2})
                          .Input("shape", {2}, testing::kOnnxInt64)
                          .Node("Reshape", {"x", "shape"}, {"y"})
                          .Output("y")
                          .Bytes());
  dir.Write("test_data_set_0/input_0.pb", FloatTensor({2}, {1, 2}).SerializeAsString());
  dir.Write("test_data_set_0/input_1.pb", testing::Int64Tensor({2}, {2, 1}).SerializeAsString());
  dir.Write("test_data_set_0/output_0.pb", FloatTensor({2, 1}, {1, 2}).SerializeAsString());
  EXPECT_THAT(RunCase({dir / "m.onnx", dir / "test_data_set_0"}, 1), IsOk());
}

}  // namespace
}  // namespace beak::tools
