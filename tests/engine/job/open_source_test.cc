#include "engine/job/open_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/engine/io/compressed.h"
#include "tests/engine/job/data_sets.h"

namespace beak {
namespace {

using ::beak::testing::DataSetOf;
using ::beak::testing::OpenText;
using ::beak::testing::Pictures;
using ::beak::testing::PlainPng;
using ::beak::testing::StatusIs;
using ::beak::testing::TempDir;
using ::beak::testing::ValuesOf;
using ::beak::testing::WritePictures;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string Fields(const absl::StatusOr<JobData>& data) {
  return data.ok() ? data::Describe(data->plain->schema()) : data.status().ToString();
}

const std::vector<std::string>& ClassNames(const JobData& data, size_t field = 1) {
  return data.plain->schema().fields[field].class_names;
}

class OpenSourceTest : public ::testing::Test {
 protected:
  absl::StatusOr<JobData> Open(const std::string& text) { return OpenText(text, dir_); }

  void ExpectRefused(const std::string& text, const std::string& message) {
    EXPECT_THAT(Open(text), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  }

  const TempDir dir_;
};

TEST_F(OpenSourceTest, OpensArraysOfEachKind) {
  WritePictures(dir_, "", 4, 2);
  EXPECT_EQ(Fields(Open("training { " + Pictures() + " }")), "image float32 [1, 2, 3], label int64 [] of 2 classes");
  // MNIST's own kind, compressed: two pictures of 1 x 2, labels 3 and 1.
  dir_.Write("x.gz", testing::Gzip(std::string("\0\0\10\3\0\0\0\2\0\0\0\1\0\0\0\2abcd", 20)));
  dir_.Write("y.gz", testing::Gzip(std::string("\0\0\10\1\0\0\0\2\3\1", 10)));
  ASSERT_OK_AND_ASSIGN(const JobData idx, Open("training { arrays { field { name: 'x' file: 'x.gz' }"
                                               "field { name: 'y' file: 'y.gz' classes {} } } }"));
  EXPECT_EQ(Fields(idx), "x float32 [1, 1, 2], y int64 [] of 4 classes");
  EXPECT_THAT(ValuesOf(*idx.plain, 1), ElementsAre('c', 'd'));
}

TEST_F(OpenSourceTest, OpensCifar10) {
  dir_.Write("1.bin", std::string(1, '\1') + std::string(3072, 'a'));
  dir_.Write("2.bin", std::string(1, '\2') + std::string(3072, 'b'));
  ASSERT_OK_AND_ASSIGN(const JobData data, Open("training { cifar10 { file: '1.bin' file: '2.bin' } }"));
  EXPECT_EQ(Fields(data), "image float32 [3, 32, 32], label int64 [] of 10 classes");
  EXPECT_EQ(data.plain->size(), 2);
  EXPECT_EQ(ClassNames(data)[2], "bird");
}

TEST_F(OpenSourceTest, OpensImageFolders) {
  dir_.Write("t/cat/1.png", PlainPng(2, 3, {1, 2, 3}));
  dir_.Write("t/dog/1.png", PlainPng(2, 3, {4, 5, 6}));
  dir_.Write("h/dog/2.png", PlainPng(2, 3, {7, 8, 9}));
  ASSERT_OK_AND_ASSIGN(const JobData data,
                       Open("training { image_folder { path: 't' } } held_out { image_folder { path: 'h' } }"));
  EXPECT_EQ(Fields(data), "image float32 [3, 3, 2], label int64 [] of 2 classes");
  EXPECT_THAT(ClassNames(data), ElementsAre("cat", "dog"));
  EXPECT_THAT(ValuesOf(*data.held_out, 0, 1), ElementsAre(1)) << "numbered as in the training data";
  EXPECT_EQ(Fields(Open("training { image_folder { path: 't' channels: 1 } }")),
            "image float32 [1, 3, 2], label int64 [] of 2 classes");
  ASSERT_OK_AND_ASSIGN(const JobData turned,
                       Open("training { image_folder { path: 't' class_name: 'dog' class_name: 'cat' } }"));
  EXPECT_THAT(ValuesOf(*turned.plain, 0, 1), ElementsAre(1));
  ExpectRefused("training { image_folder { path: 'h' } } held_out { image_folder { path: 't' } }",
                "data.held_out: folder");
}

TEST_F(OpenSourceTest, OpensTables) {
  dir_.Write("t.csv", "a;kind;b\n1;x;2\n3;y;4\n");
  dir_.Write("h.csv", "b;a;kind\n6;5;y\n");
  const std::string fields = "separator: ';' field { name: 'x' } field { name: 'kind' column: 'kind' classes {} }";
  ASSERT_OK_AND_ASSIGN(const JobData data, Open("training { csv { file: 't.csv' " + fields +
                                                "} } held_out { csv { file: 'h.csv' " + fields + "} }"));
  EXPECT_EQ(Fields(data), "x float32 [2], kind int64 [] of 2 classes");
  EXPECT_THAT(ClassNames(data), ElementsAre("x", "y"));
  EXPECT_THAT(ValuesOf(*data.plain, 1), ElementsAre(3, 4));
  EXPECT_THAT(ValuesOf(*data.held_out, 0), ElementsAre(5, 6)) << "columns in the training data's order";
  EXPECT_THAT(ValuesOf(*data.held_out, 0, 1), ElementsAre(1)) << "classes in the training data's order";
}

TEST_F(OpenSourceTest, OtherColumnsThanTrainingsAreRefused) {
  dir_.Write("t.csv", "a,b\n1,2\n");
  ExpectRefused(
      "training { csv { file: 't.csv' field { name: 'x' column: 'a' column: 'b' } } }"
      "held_out { csv { file: 't.csv' field { name: 'x' column: 'b' column: 'a' } } }",
      "data.held_out: field 'x': expected the columns a, b as data.training has, got b, a");
}

TEST_F(OpenSourceTest, HeldOutClassesAreTrainings) {
  WritePictures(dir_, "t", 4, 3);
  WritePictures(dir_, "h", 4, 2);
  ASSERT_OK_AND_ASSIGN(const JobData data,
                       Open("training { " + Pictures("t", "") + " } held_out { " + Pictures("h", "") + " }"));
  EXPECT_EQ(data::Describe(data.held_out->schema()), "image float32 [1, 2, 3], label int64 [] of 3 classes");
  // A label that training never saw.
  ExpectRefused("training { " + Pictures("h", "") + " } held_out { " + Pictures("t", "") + " }",
                "sample 2: expected a class of 0 to 1, got 2");
  ExpectRefused("training { " + Pictures("h", "count: 2") + " } held_out { " + Pictures("h", "count: 3") + " }",
                "data.held_out: expected label int64 [] of 2 classes as data.training gives, got label int64 [] of 3");
  ExpectRefused("training { " + Pictures("h", "name: 'a' name: 'b'") + " } held_out { " +
                    Pictures("h", "name: 'b' name: 'a'") + " }",
                "data.held_out: field 'label': expected the classes' names and order of data.training");
}

TEST_F(OpenSourceTest, LabelsOutOfRangeAreErrors) {
  WritePictures(dir_, "", 4, 4);
  ExpectRefused("training { " + Pictures() + " }", "field 'label': sample 2: expected a class of 0 to 1, got 2");
  ASSERT_OK_AND_ASSIGN(const JobData skipped, Open("training { " + Pictures() + " } on_bad_sample: SKIP"));
  EXPECT_EQ(skipped.plain->size(), 2);
  EXPECT_THAT(skipped.notices, ElementsAre(AllOf(HasSubstr("training: 2 samples left out: field 'label': sample 2: "),
                                                 HasSubstr("; field 'label': sample 3: "))));
}

TEST_F(OpenSourceTest, NoPicturesAreAnError) {
  WritePictures(dir_, "", 0, 1);
  ExpectRefused("training { " + Pictures() + " }", "field 'image': expected at least one sample, got none");
  std::filesystem::create_directories(dir_ / "empty/cat");
  ExpectRefused("training { image_folder { path: 'empty' } }", "class 'cat': expected at least one picture, got none");
  dir_.Write("t.csv", "a,b\n");
  ExpectRefused("training { csv { file: 't.csv' field { name: 'x' } } }", "expected at least one sample, got none");
  dir_.Write("empty.bin", "");
  ExpectRefused("training { cifar10 { file: 'empty.bin' } }", "empty.bin': cifar-10: expected one or more records");
}

TEST_F(OpenSourceTest, EveryMissingFileIsTold) {
  const absl::Status status = Open("training { " + Pictures() + " }").status();
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound,
                               "data.training.arrays.field[0].file: 'image.npy': no such file or folder\n"
                               "data.training.arrays.field[1].file: 'label.npy': no such file or folder"));
  for (const std::string source :
       {"cifar10 { file: 'x' }", "image_folder { path: 'x' }", "csv { file: 'x' field { name: 'x' } }"}) {
    EXPECT_THAT(Open("training { " + source + " }"),
                StatusIs(absl::StatusCode::kNotFound, HasSubstr("data.training.")));
  }
  WritePictures(dir_, "", 2, 2);
  EXPECT_THAT(Open("training { " + Pictures() + " } held_out { " + Pictures("x") + " }"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("data.held_out.arrays.field[1].file: 'xlabel.npy'")));
}

TEST_F(OpenSourceTest, NoSourceIsAnError) {
  EXPECT_THAT(OpenSource({}, {"data.training"}), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace beak
