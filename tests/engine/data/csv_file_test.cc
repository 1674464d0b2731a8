#include "engine/data/csv_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/engine/data/sources.h"
#include "tests/engine/io/compressed.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak::data {
namespace {

using ::beak::testing::Gzip;
using ::beak::testing::IsOkAndHolds;
using ::beak::testing::StatusIs;
using ::beak::testing::TempDir;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kTable =
    "width,kind,height\n"
    "1,dog,2.5\n"
    "-3e1,cat,\" 4 \"\n"
    "0,dog,.5\n";

const std::vector<CsvField> kFields = {{"x", {}, {}}, {"label", {"kind"}, Classes{}}};

TEST(CsvFileTest, ColumnsBecomeFields) {
  const TempDir dir;
  for (const std::string& path : {dir.Write("t.csv", kTable), dir.Write("t.csv.gz", Gzip(kTable))}) {
    ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenCsv(path, kFields, OnBadSample::kFail));
    EXPECT_EQ(source->size(), 3);
    EXPECT_EQ(Describe(source->schema()), "x float32 [2], label int64 [] of 2 classes");
    EXPECT_THAT(source->schema().fields[1].class_names, ElementsAre("cat", "dog"));
    EXPECT_THAT(ReadScalars(*source, "label"), IsOkAndHolds(ElementsAre(1, 0, 1)));
    ASSERT_OK_AND_ASSIGN(const Tensor x, source->ReadField(1, 0));
    EXPECT_THAT(testing::ValuesOf<float>(x), ElementsAre(-30, 4));
  }
}

TEST(CsvFileTest, ColumnsComeInTheOrderAskedFor) {
  const TempDir dir;
  const std::vector<CsvField> fields = {{"target", {"height"}, {}}, {"x", {"height", "width"}, {}}};
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenCsv(dir.Write("t", kTable), fields, OnBadSample::kFail));
  EXPECT_EQ(Describe(source->schema()), "target float32 [1], x float32 [2]");
  ASSERT_OK_AND_ASSIGN(const Sample sample, source->Read(0));
  EXPECT_THAT(testing::ValuesOf<float>(sample[0]), ElementsAre(2.5f));
  EXPECT_THAT(testing::ValuesOf<float>(sample[1]), ElementsAre(2.5f, 1));
}

TEST(CsvFileTest, ValuesAreCalledWhatTheirColumnsAre) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenCsv(dir.Write("t", kTable), kFields, OnBadSample::kFail));
  EXPECT_THAT(source->schema().fields[0].value_names, ElementsAre("width", "height"));
  EXPECT_THAT(source->schema().fields[1].value_names, ElementsAre("kind"));
}

TEST(CsvFileTest, ClassesThatAreNumbersKeepTheirs) {
  const TempDir dir;
  const std::string path = dir.Write("t", "x;y\n0;10\n0;9\n0;10\n");
  ASSERT_OK_AND_ASSIGN(const SourcePtr source,
                       OpenCsv(path, {{"x", {}, {}}, {"y", {"y"}, Classes{}}}, OnBadSample::kFail, ';'));
  EXPECT_THAT(ReadScalars(*source, "y"), IsOkAndHolds(ElementsAre(10, 9, 10)));
  EXPECT_EQ(source->schema().fields[1].num_classes, 11);
  EXPECT_THAT(source->schema().fields[1].class_names, IsEmpty());
}

TEST(CsvFileTest, ClassesMayBeGiven) {
  const TempDir dir;
  const std::string path = dir.Write("t", kTable);
  std::vector<CsvField> fields = kFields;
  fields[1].classes->names = {"dog", "bird", "cat"};
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenCsv(path, fields, OnBadSample::kFail));
  EXPECT_THAT(ReadScalars(*source, "label"), IsOkAndHolds(ElementsAre(0, 2, 0)));
  fields[1].classes->names = {"dog", "bird"};
  EXPECT_THAT(OpenCsv(path, fields, OnBadSample::kFail),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("line 3: column 2: expected one of dog, bird, got 'cat'")));
}

TEST(CsvFileTest, ABadRowIsAnErrorOrSkippedWhole) {
  const TempDir dir;
  const std::string path = dir.Write("t", "a,b,kind\n1,2,cat\n3,x,dog\n1,2\n\n5,nan,dog\n1e99,1,dog\n7,8,cow\n");
  EXPECT_THAT(OpenCsv(path, kFields, OnBadSample::kFail),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("/t'"), HasSubstr("line 3: column 2: expected a finite number, got 'x'"))));
  ASSERT_OK_AND_ASSIGN(const SourcePtr source, OpenCsv(path, kFields, OnBadSample::kSkip));
  EXPECT_EQ(source->size(), 2);
  EXPECT_THAT(source->schema().fields[1].class_names, ElementsAre("cat", "cow")) << "no skipped row makes a class";
  EXPECT_EQ(source->skipped().count, 4);
  EXPECT_THAT(source->skipped().reasons[1],
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 4: expected 3 values, got 2")));
  EXPECT_THAT(source->skipped().reasons[3].message(), HasSubstr("line 7: column 1: "));
}

TEST(CsvFileTest, RefusesTablesThatDoNotFit) {
  const TempDir dir;
  const auto expect = [&](const std::string& table, const std::vector<CsvField>& fields, const std::string& message) {
    EXPECT_THAT(OpenCsv(dir.Write("t", table), fields, OnBadSample::kSkip),
                StatusIs(absl::StatusCode::kInvalidArgument, AllOf(HasSubstr("/t'"), HasSubstr(message))));
  };
  expect("", kFields, "a row of column names");
  expect("a,b\n1,2\n", kFields, "a column 'kind', got a, b");
  expect("a,a,kind\n", kFields, "each column once, got 'a' twice");
  expect("kind\ncat\n", kFields, "field 'x': expected columns, got 0");
  expect("a,kind\n", kFields, "at least one sample");
  expect("a,kind\nx,cat\n", kFields, "at least one sample");
  expect(kTable, {{"label", {"kind", "width"}, Classes{}}}, "field 'label': expected one column, got 2");
  expect("a,kind\n1,\"cat\n", kFields, "line 2: expected the end of a quoted value");
}

}  // namespace
}  // namespace beak::data
