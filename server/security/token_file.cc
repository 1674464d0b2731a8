#include "server/security/token_file.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace beak {
namespace {

constexpr size_t kShownBytes = 40;  // of what somebody wrote by mistake

absl::Status Wrong(const std::string& expected, std::string_view got) {
  const std::string shown(got.substr(0, kShownBytes));
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", expected, ", got '", absl::CHexEscape(shown), got.size() > kShownBytes ? "...'" : "'"));
}

// The words of a line up to a comment.
std::vector<std::string_view> Words(std::string_view line) {
  line = line.substr(0, line.find('#'));
  constexpr std::string_view kBlanks = " \t\r";
  std::vector<std::string_view> words;
  for (size_t begin = line.find_first_not_of(kBlanks); begin != std::string_view::npos;) {
    const size_t end = std::min(line.find_first_of(kBlanks, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kBlanks, end);
  }
  return words;
}

absl::Status CheckName(std::string_view name) {
  const auto allowed = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-_.@").find(c) != std::string_view::npos;
  };
  if (name.size() <= kMaxTokenNameBytes && std::all_of(name.begin(), name.end(), allowed)) return absl::OkStatus();
  return Wrong(absl::StrCat("a name of at most ", kMaxTokenNameBytes, " letters, digits and '-_.@'"), name);
}

absl::StatusOr<Roles> ParseRoles(std::string_view text) {
  Roles roles = 0;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view name = text.substr(0, comma);
    const std::optional<Role> role = FindRole(name);
    if (!role) return Wrong("a role (predict, admin, train, metrics)", name);
    roles |= *role;
    if (comma == std::string_view::npos) return roles;
    text.remove_prefix(comma + 1);
  }
}

// Does not repeat what it got: somebody may have put the token itself there.
absl::StatusOr<Sha256::Digest> ParseDigest(std::string_view hex) {
  Sha256::Digest digest = {};
  bool is_hex = hex.size() == 2 * digest.size();
  for (size_t i = 0; is_hex && i < digest.size(); ++i) {
    const char* const byte = hex.data() + 2 * i;
    is_hex = std::from_chars(byte, byte + 2, digest[i], 16).ptr == byte + 2;
  }
  if (is_hex) return digest;
  return absl::InvalidArgumentError(
      "expected the token's SHA-256 as 64 hexadecimal digits, got something else (`beak token` writes such lines)");
}

absl::StatusOr<KnownToken> ParseLine(const std::vector<std::string_view>& words) {
  if (words.size() != 3) {
    return absl::InvalidArgumentError(absl::StrCat("expected NAME ROLE[,ROLE...] SHA256, got ", words.size(),
                                                   words.size() == 1 ? " word" : " words"));
  }
  RETURN_IF_ERROR(CheckName(words[0]));
  KnownToken token;
  token.name = std::string(words[0]);
  ASSIGN_OR_RETURN(token.roles, ParseRoles(words[1]));
  ASSIGN_OR_RETURN(token.sha256, ParseDigest(words[2]));
  return token;
}

// What has been read so far, and whether more fits.
class Tokens {
 public:
  absl::Status Add(KnownToken token) {
    if (tokens_.size() == kMaxTokens) {
      return absl::InvalidArgumentError(absl::StrCat("expected at most ", kMaxTokens, " tokens, got more"));
    }
    if (!names_.insert(token.name).second) return Wrong("a name that stands in no line before", token.name);
    if (!digests_.insert(token.sha256).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a token of its own for '", token.name, "', got that of a line before"));
    }
    tokens_.push_back(std::move(token));
    return absl::OkStatus();
  }
  std::vector<KnownToken> Take() { return std::move(tokens_); }

 private:
  std::vector<KnownToken> tokens_;
  std::set<std::string> names_;
  std::set<Sha256::Digest> digests_;
};

absl::Status AddLine(std::string_view line, Tokens& tokens) {
  const std::vector<std::string_view> words = Words(line);
  if (words.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(KnownToken token, ParseLine(words));
  return tokens.Add(std::move(token));
}

}  // namespace

absl::StatusOr<std::vector<KnownToken>> ParseTokens(std::string_view text, const std::string& file) {
  Tokens tokens;
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const absl::Status added = AddLine(text.substr(0, end), tokens);
    if (!added.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(file, ":", number, ": ", std::string(added.message())));
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return tokens.Take();
}

}  // namespace beak
