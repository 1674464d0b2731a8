// Any bytes as a token file: refused with the file and a line, or tokens within the bounds, which are the same again
// when they are written down and read.
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "engine/base/check.h"
#include "server/security/token_file.h"

namespace {

std::string Written(const beak::KnownToken& token) {
  std::string roles;
  for (const char* name : {"predict", "admin", "train", "metrics"}) {
    if ((token.roles & *beak::FindRole(name)) != 0) absl::StrAppend(&roles, roles.empty() ? "" : ",", name);
  }
  const std::string digest(token.sha256.begin(), token.sha256.end());
  return absl::StrCat(token.name, " ", roles, " ", absl::BytesToHexString(digest), "\n");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto tokens = beak::ParseTokens(text, "FILE");
  if (!tokens.ok()) {
    BEAK_CHECK(std::string(tokens.status().message()).rfind("FILE:", 0) == 0);
    BEAK_CHECK(tokens.status().message().size() < 1000);
    return 0;
  }
  BEAK_CHECK(tokens->size() <= beak::kMaxTokens);
  std::string again;
  for (const beak::KnownToken& token : *tokens) {
    BEAK_CHECK(!token.name.empty() && token.name.size() <= beak::kMaxTokenNameBytes);
    again += Written(token);
  }
  const auto reread = beak::ParseTokens(again, "FILE");
  BEAK_CHECK(reread.ok() && reread->size() == tokens->size());
  for (size_t i = 0; i < tokens->size(); ++i) BEAK_CHECK(Written((*reread)[i]) == Written((*tokens)[i]));
  return 0;
}
