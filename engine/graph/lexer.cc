#include "engine/graph/lexer.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "engine/base/status.h"

namespace beak {
namespace {

bool IsNameChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("_./:-").find(c) != std::string_view::npos;
}

// "+" appears in numbers only.
bool IsWordChar(char c) { return IsNameChar(c) || c == '+'; }

bool IsMark(char c) { return std::string_view("[](){},=?").find(c) != std::string_view::npos; }

// The quoted string that begins at line[begin], and where it ends.
absl::StatusOr<Token> LexQuoted(std::string_view line, size_t begin, size_t& end) {
  end = begin + 1;
  while (end < line.size() && line[end] != '"') end += line[end] == '\\' ? 2 : 1;
  if (end >= line.size()) return absl::InvalidArgumentError("string: expected a closing quote");
  Token token{Token::kQuoted, ""};
  std::string error;
  if (!absl::CUnescape(absl::string_view(line.data() + begin + 1, end - begin - 1), &token.text, &error)) {
    return absl::InvalidArgumentError(absl::StrCat("string: expected C escapes, got: ", error));
  }
  ++end;
  return token;
}

}  // namespace

bool IsPlainName(std::string_view name) { return !name.empty() && std::all_of(name.begin(), name.end(), IsNameChar); }

absl::StatusOr<std::vector<Token>> LexLine(std::string_view line) {
  std::vector<Token> tokens;
  size_t at = 0;
  while (at < line.size() && line[at] != '#') {
    size_t end = at + 1;
    if (line[at] == '"') {
      ASSIGN_OR_RETURN(Token token, LexQuoted(line, at, end));
      tokens.push_back(std::move(token));
    } else if (IsMark(line[at])) {
      tokens.push_back({Token::kMark, std::string(1, line[at])});
    } else if (IsWordChar(line[at])) {
      while (end < line.size() && IsWordChar(line[end])) ++end;
      tokens.push_back({Token::kWord, std::string(line.substr(at, end - at))});
    } else if (!absl::ascii_isspace(static_cast<unsigned char>(line[at]))) {
      return absl::InvalidArgumentError(
          absl::StrCat("text: expected a word or a mark, got '", absl::CHexEscape(std::string(1, line[at])), "'"));
    }
    at = end;
  }
  tokens.push_back({});
  return tokens;
}

}  // namespace beak
