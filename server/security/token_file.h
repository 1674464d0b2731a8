#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/sha256.h"
#include "server/security/roles.h"

namespace beak {

// One line of a token file: what is known of a token, which is not enough to make it.
struct KnownToken {
  std::string name;  // for audit lines and messages
  Roles roles = kOpen;
  Sha256::Digest sha256 = {};  // of the token

  friend bool operator==(const KnownToken&, const KnownToken&) = default;
};

// What a token file may hold.
inline constexpr int64_t kMaxTokenFileBytes = int64_t{1} << 20;
inline constexpr size_t kMaxTokens = 1000;
inline constexpr size_t kMaxTokenNameBytes = 64;

// Reads a token file: lines of NAME ROLE[,ROLE...] SHA256, the last as 64 hexadecimal digits, separated by blanks; `#`
// begins a comment, empty lines are skipped. Names are letters, digits and "-_.@", and no two are the same; neither are
// two tokens. INVALID_ARGUMENT "FILE:LINE: expected ..., got ...", where `file` is only for that text; nothing of a
// token stands in it.
absl::StatusOr<std::vector<KnownToken>> ParseTokens(std::string_view text, const std::string& file);

}  // namespace beak
