#include "engine/io/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace beak {
namespace {

using ::beak::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Row = std::vector<std::string>;

std::vector<Row> Rows(std::string_view text, char separator = ',') {
  CsvReader reader(text, separator);
  std::vector<Row> rows;
  Row row;
  while (true) {
    const absl::StatusOr<bool> more = reader.Next(row);
    EXPECT_OK(more);
    if (!more.ok() || !*more) return rows;
    rows.push_back(row);
  }
}

TEST(CsvReaderTest, ReadsRows) {
  EXPECT_THAT(Rows("a,b\n1,2\n"), ElementsAre(Row{"a", "b"}, Row{"1", "2"}));
  EXPECT_THAT(Rows("a,b\r\n1,2"), ElementsAre(Row{"a", "b"}, Row{"1", "2"}));
  EXPECT_THAT(Rows("a;b,c\n", ';'), ElementsAre(Row{"a", "b,c"}));
  EXPECT_THAT(Rows(""), IsEmpty());
}

TEST(CsvReaderTest, RowsMayDifferInLength) {
  EXPECT_THAT(Rows("a,b,c\n1\n1,2\n"), ElementsAre(Row{"a", "b", "c"}, Row{"1"}, Row{"1", "2"}));
}

TEST(CsvReaderTest, ValuesMayBeEmpty) {
  EXPECT_THAT(Rows(",\n,,\nx,"), ElementsAre(Row{"", ""}, Row{"", "", ""}, Row{"x", ""}));
  EXPECT_THAT(Rows("\"\"\n"), ElementsAre(Row{""}));
}

TEST(CsvReaderTest, QuotesKeepWhatIsInThem) {
  EXPECT_THAT(Rows("\"a,b\",\"say \"\"hi\"\"\"\r\n\"two\nlines\",x\n"),
              ElementsAre(Row{"a,b", "say \"hi\""}, Row{"two\nlines", "x"}));
  EXPECT_THAT(Rows("a\"b,c"), ElementsAre(Row{"a\"b", "c"}));
}

TEST(CsvReaderTest, PassesOverMarksAndEmptyLines) {
  EXPECT_THAT(Rows("\xef\xbb\xbf"
                   "a\n\r\n\n1\n\n"),
              ElementsAre(Row{"a"}, Row{"1"}));
}

TEST(CsvReaderTest, ACarriageReturnAloneIsAValue) { EXPECT_THAT(Rows("a\rb,\r"), ElementsAre(Row{"a\rb", "\r"})); }

TEST(CsvReaderTest, CountsLines) {
  CsvReader reader("\na\n\"two\nlines\"\r\nb\n");
  Row row;
  std::vector<int64_t> lines;
  while (*reader.Next(row)) lines.push_back(reader.line());
  EXPECT_THAT(lines, ElementsAre(2, 3, 5));
}

TEST(CsvReaderTest, SaysWhereAQuoteIsWrong) {
  Row row;
  CsvReader open("a\n\"b\n\n");
  ASSERT_OK(open.Next(row));
  EXPECT_THAT(open.Next(row), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 2: expected the end")));
  CsvReader behind("\"a\"b,c\n");
  EXPECT_THAT(behind.Next(row), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("line 1: expected ',' after")));
}

}  // namespace
}  // namespace beak
