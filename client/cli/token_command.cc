#include "client/cli/token_command.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/sha256.h"

namespace beak::cli {

std::string CheckTokenName(const std::string& name) {
  constexpr size_t kMaxBytes = 64;
  const auto allowed = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-_.@").find(c) != std::string_view::npos;
  };
  if (!name.empty() && name.size() <= kMaxBytes && std::all_of(name.begin(), name.end(), allowed)) return "";
  return "expected a name of at most 64 letters, digits and '-_.@'";
}

absl::StatusOr<NewToken> MakeToken(const TokenFlags& flags) {
  std::array<char, 32> random;
  // Comes whole: so few bytes are never cut short.
  if (getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
    return absl::ErrnoToStatus(errno, "cannot get random bytes from the system");
  }
  NewToken made;
  absl::WebSafeBase64Escape({random.data(), random.size()}, &made.token);
  while (!made.token.empty() && made.token.back() == '=') made.token.pop_back();
  Sha256 hash;
  hash.Update(made.token.data(), made.token.size());
  made.line = absl::StrCat(flags.name, " ", absl::StrJoin(flags.roles, ","), " ", ToHex(hash.Finish()), "\n");
  return made;
}

}  // namespace beak::cli
