#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/data/classes.h"
#include "engine/data/source.h"

namespace beak::data {

// A field that columns of a table make. A value type.
struct CsvField {
  std::string name;
  std::vector<std::string> columns;  // in this order; empty: all that no other field names, in the table's order
  // Where the field is a class, of one column: int64 scalars. Values are the classes' names where such are given; whole
  // numbers where all of them are; else names, sorted, which become the class names. Without: float32 [columns].
  std::optional<Classes> classes;
};

// A data set in a table with a row of column names on top, plain, .gz or .xz, held in memory. Rows with a number of
// values other than the columns', with what is no finite number or no known class are bad. Errors name the file; of a
// bad row they, and the reasons for which it was left out, name line and column, or, where a class number is out of
// range, field and sample.
absl::StatusOr<SourcePtr> OpenCsv(const std::string& path, const std::vector<CsvField>& fields, OnBadSample on_bad,
                                  char separator = ',');

}  // namespace beak::data
