#include "engine/data/csv_file.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_join.h"
#include "engine/base/limits.h"
#include "engine/base/status.h"
#include "engine/data/array_source.h"
#include "engine/io/csv.h"
#include "engine/io/decompress.h"

namespace beak::data {
namespace {

constexpr size_t kMaxColumns = 1'000'000;

absl::Status Bad(const std::string& what) { return absl::InvalidArgumentError(what); }

// The values of one field, row by row. Parse looks at a row, Commit keeps what it saw: a row is kept whole or not at
// all.
class FieldReader {
 public:
  // `columns` are numbers of the table's.
  FieldReader(CsvField field, std::vector<size_t> columns, const std::vector<std::string>& header)
      : field_(std::move(field)), columns_(std::move(columns)) {
    field_.columns.clear();
    for (const size_t column : columns_) field_.columns.push_back(header[column]);
    if (!field_.classes) return;
    for (const std::string& name : field_.classes->names) ids_.emplace(name, static_cast<int64_t>(ids_.size()));
  }

  absl::Status Parse(const std::vector<std::string>& row) {
    if (field_.classes) return ParseClass(row[columns_[0]]);
    numbers_.clear();
    for (const size_t column : columns_) {
      float number = 0;
      if (!absl::SimpleAtof(row[column], &number) || !std::isfinite(number)) {
        return Bad(absl::StrCat("column ", column + 1, ": expected a finite number, got '", row[column], "'"));
      }
      numbers_.push_back(number);
    }
    return absl::OkStatus();
  }

  void Commit() {
    if (field_.classes) {
      classes_.push_back(ids_.emplace(text_, static_cast<int64_t>(ids_.size())).first->second);
    } else {
      values_.insert(values_.end(), numbers_.begin(), numbers_.end());
    }
  }

  // All rows as a column, and what the classes are called.
  absl::StatusOr<Column> Finish() {
    if (!field_.classes) {
      const int64_t width = static_cast<int64_t>(columns_.size());
      const int64_t rows = static_cast<int64_t>(values_.size()) / width;
      RETURN_IF_ERROR(CheckedByteSize({rows, width}, DType::kFloat32).status());
      return Column{field_.name, Tensor::Of<float>({rows, width}, values_), field_.columns};
    }
    if (field_.classes->names.empty()) NumberClasses();
    return Column{field_.name, Tensor::Of<int64_t>({static_cast<int64_t>(classes_.size())}, classes_), field_.columns};
  }

  const CsvField& field() const { return field_; }

 private:
  absl::Status ParseClass(const std::string& text) {
    if (!field_.classes->names.empty() && ids_.count(text) == 0) {
      return Bad(absl::StrCat("column ", columns_[0] + 1, ": expected one of ",
                              absl::StrJoin(field_.classes->names, ", "), ", got '", text, "'"));
    }
    text_ = text;
    return absl::OkStatus();
  }

  // Until now classes are numbered as they came.
  void NumberClasses() {
    std::vector<int64_t> number_of(ids_.size());
    const bool whole = std::ranges::all_of(ids_, [&](const auto& entry) {
      return absl::SimpleAtoi(entry.first, &number_of[static_cast<size_t>(entry.second)]);
    });
    if (!whole) {
      for (const auto& [name, id] : ids_) {  // sorted
        number_of[static_cast<size_t>(id)] = static_cast<int64_t>(field_.classes->names.size());
        field_.classes->names.push_back(name);
      }
    }
    for (int64_t& value : classes_) value = number_of[static_cast<size_t>(value)];
  }

  CsvField field_;
  const std::vector<size_t> columns_;  // where in a row
  std::vector<float> numbers_;         // of the row that was parsed last
  std::string text_;
  std::vector<float> values_;
  std::vector<int64_t> classes_;
  std::map<std::string, int64_t> ids_;
};

absl::StatusOr<std::map<std::string, size_t>> NumberColumns(const std::vector<std::string>& header) {
  if (header.size() > kMaxColumns) {
    return Bad(absl::StrCat("expected at most ", kMaxColumns, " columns, got ", header.size()));
  }
  std::map<std::string, size_t> numbers;
  for (size_t i = 0; i < header.size(); ++i) {
    if (!numbers.emplace(header[i], i).second) {
      return Bad(absl::StrCat("expected each column once, got '", header[i], "' twice"));
    }
  }
  return numbers;
}

absl::StatusOr<std::vector<FieldReader>> MakeReaders(const std::vector<std::string>& header,
                                                     const std::vector<CsvField>& fields) {
  ASSIGN_OR_RETURN(const auto numbers, NumberColumns(header));
  std::vector<std::vector<size_t>> columns(fields.size());
  std::vector<bool> named(header.size());
  for (size_t i = 0; i < fields.size(); ++i) {
    for (const std::string& name : fields[i].columns) {
      const auto found = numbers.find(name);
      if (found == numbers.end()) {
        return Bad(absl::StrCat("expected a column '", name, "', got ", absl::StrJoin(header, ", ")));
      }
      columns[i].push_back(found->second);
      named[found->second] = true;
    }
  }
  std::vector<FieldReader> readers;
  for (size_t i = 0; i < fields.size(); ++i) {
    for (size_t c = 0; c < header.size() && fields[i].columns.empty(); ++c) {
      if (!named[c]) columns[i].push_back(c);
    }
    if (columns[i].empty() || (fields[i].classes && columns[i].size() != 1)) {
      return Bad(absl::StrCat("field '", fields[i].name, "': expected ", fields[i].classes ? "one column" : "columns",
                              ", got ", columns[i].size()));
    }
    readers.emplace_back(fields[i], std::move(columns[i]), header);
  }
  return readers;
}

absl::Status ParseRow(const std::vector<std::string>& row, size_t width, std::vector<FieldReader>& readers) {
  if (row.size() != width) return Bad(absl::StrCat("expected ", width, " values, got ", row.size()));
  for (FieldReader& reader : readers) RETURN_IF_ERROR(reader.Parse(row));
  for (FieldReader& reader : readers) reader.Commit();
  return absl::OkStatus();
}

absl::StatusOr<SourcePtr> MakeSource(std::vector<FieldReader>& readers, SkippedSamples skipped, OnBadSample on_bad) {
  std::vector<Column> columns;
  for (FieldReader& reader : readers) {
    ASSIGN_OR_RETURN(columns.emplace_back(), reader.Finish());
  }
  ASSIGN_OR_RETURN(SourcePtr source, MakeArraySource(std::move(columns), std::move(skipped)));
  for (const FieldReader& reader : readers) {
    const CsvField& field = reader.field();
    if (!field.classes) continue;
    ASSIGN_OR_RETURN(source, WithClasses(source, field.name, *field.classes, on_bad));
  }
  return source;
}

absl::StatusOr<SourcePtr> ReadTable(std::string_view text, char separator, const std::vector<CsvField>& fields,
                                    OnBadSample on_bad) {
  CsvReader table(text, separator);
  std::vector<std::string> row;
  ASSIGN_OR_RETURN(const bool has_header, table.Next(row));
  if (!has_header) return Bad("expected a row of column names, got an empty file");
  const size_t width = row.size();
  ASSIGN_OR_RETURN(std::vector<FieldReader> readers, MakeReaders(row, fields));
  SkippedSamples skipped;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, table.Next(row));
    if (!more) return MakeSource(readers, std::move(skipped), on_bad);
    const absl::Status status = Annotate(ParseRow(row, width, readers), absl::StrCat("line ", table.line()));
    if (!status.ok()) RETURN_IF_ERROR(skipped.Report(status, on_bad));
  }
}

}  // namespace

absl::StatusOr<SourcePtr> OpenCsv(const std::string& path, const std::vector<CsvField>& fields, OnBadSample on_bad,
                                  char separator) {
  ASSIGN_OR_RETURN(const std::string text, ReadDataFile(path, limits::kMaxDataFileBytes));
  absl::StatusOr<SourcePtr> source = ReadTable(text, separator, fields, on_bad);
  if (!source.ok()) return Annotate(source.status(), absl::StrCat("'", path, "'"));
  return source;
}

}  // namespace beak::data
