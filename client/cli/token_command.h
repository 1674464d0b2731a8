#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace beak::cli {

// The flags of `beak token`.
struct TokenFlags {
  std::string name;
  std::vector<std::string> roles;
};

struct NewToken {
  std::string token;  // for the client that is to have it, and nobody else
  std::string line;   // for the server's token file; ends with a line's end
};

// What is wrong with a name, "" for one that a server takes.
std::string CheckTokenName(const std::string& name);

// Makes a token of 256 random bits. The flags have been checked.
absl::StatusOr<NewToken> MakeToken(const TokenFlags& flags);

}  // namespace beak::cli
