#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "engine/base/sha256.h"

namespace beak::testing {

// The line of a token file by which a server knows a token.
inline std::string TokenLine(const std::string& name, const std::string& roles, const std::string& token) {
  Sha256 hash;
  hash.Update(token.data(), token.size());
  return absl::StrCat(name, " ", roles, " ", ToHex(hash.Finish()), "\n");
}

}  // namespace beak::testing
