#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace beak {

// One word, quoted string or punctuation mark of the graph's text form.
struct Token {
  enum Kind { kWord, kQuoted, kMark, kEnd } kind = kEnd;
  std::string text;  // a quoted string without its quotes and escapes

  bool Is(char mark) const { return kind == kMark && text[0] == mark; }
};

// True for a name that the text form writes without quotes.
bool IsPlainName(std::string_view name);

// The tokens of one line, comment dropped, kEnd last. INVALID_ARGUMENT for a character or escape that has no place.
absl::StatusOr<std::vector<Token>> LexLine(std::string_view line);

}  // namespace beak
