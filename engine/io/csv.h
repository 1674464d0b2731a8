#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace beak {

// Reads a table of comma-separated values row by row; nobody needs to have checked the text. Values may be quoted
// ("a,b"), quotes in them are doubled; lines end in LF or CRLF; a byte order mark and empty lines are passed over.
// Source: RFC 4180. *Thread-compatible.*
class CsvReader {
 public:
  // `text` must outlive the reader.
  explicit CsvReader(std::string_view text, char separator = ',');

  // The next row in `values`, whose capacity is used again; false at the end. INVALID_ARGUMENT with the line, counted
  // from 1, for a quote that does not end or has something behind it.
  absl::StatusOr<bool> Next(std::vector<std::string>& values);

  // The line that the row of the last Next() began in.
  int64_t line() const { return line_; }

 private:
  absl::Status ParseValue(std::string& value);
  absl::Status ParseQuoted(std::string& value);
  bool TakeSeparator();
  bool TakeLineEnd();

  std::string_view text_;
  const char separator_;
  int64_t line_ = 0;
  int64_t next_line_ = 1;
};

}  // namespace beak
