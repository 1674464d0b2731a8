#include "engine/io/csv.h"

#include <algorithm>

#include "engine/base/status.h"

namespace beak {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

CsvReader::CsvReader(std::string_view text, char separator) : text_(text), separator_(separator) {
  if (text_.substr(0, kByteOrderMark.size()) == kByteOrderMark) text_.remove_prefix(kByteOrderMark.size());
}

absl::StatusOr<bool> CsvReader::Next(std::vector<std::string>& values) {
  while (TakeLineEnd()) {
  }
  line_ = next_line_;
  size_t count = 0;
  bool more = !text_.empty();
  while (more) {
    if (count == values.size()) values.emplace_back();
    const absl::Status status = ParseValue(values[count++]);
    if (!status.ok()) return Annotate(status, absl::StrCat("csv: line ", line_));
    more = TakeSeparator();
  }
  TakeLineEnd();
  values.resize(count);
  return count > 0;
}

// Leaves a separator, a line's end or the text's end in front.
absl::Status CsvReader::ParseValue(std::string& value) {
  value.clear();
  if (!text_.empty() && text_[0] == '"') return ParseQuoted(value);
  const char ends[] = {separator_, '\n'};
  size_t end = std::min(text_.find_first_of(std::string_view(ends, 2)), text_.size());
  if (end > 0 && text_.substr(end - 1, 2) == "\r\n") --end;
  value.assign(text_.substr(0, end));
  text_.remove_prefix(end);
  return absl::OkStatus();
}

absl::Status CsvReader::ParseQuoted(std::string& value) {
  text_.remove_prefix(1);
  while (true) {
    const size_t quote = text_.find('"');
    if (quote == std::string_view::npos) return absl::InvalidArgumentError("expected the end of a quoted value");
    const std::string_view part = text_.substr(0, quote);
    value.append(part);
    next_line_ += std::count(part.begin(), part.end(), '\n');
    text_.remove_prefix(quote + 1);
    if (text_.substr(0, 1) != "\"") break;
    value.push_back('"');
    text_.remove_prefix(1);
  }
  if (text_.empty() || text_[0] == separator_ || text_[0] == '\n' || text_.substr(0, 2) == "\r\n")
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("expected '", std::string(1, separator_), "' after a quoted value"));
}

bool CsvReader::TakeSeparator() {
  if (text_.empty() || text_[0] != separator_) return false;
  text_.remove_prefix(1);
  return true;
}

bool CsvReader::TakeLineEnd() {
  const size_t size = text_.substr(0, 1) == "\n" ? 1 : text_.substr(0, 2) == "\r\n" ? 2 : 0;
  text_.remove_prefix(size);
  next_line_ += size > 0 ? 1 : 0;
  return size > 0;
}

}  // namespace beak
