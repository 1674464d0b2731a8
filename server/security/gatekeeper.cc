#include "server/security/gatekeeper.h"

#include <openssl/crypto.h>
#include <sys/stat.h>

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/security/roles.h"
#include "server/security/token_file.h"
#include "server/security/watched.h"

namespace beak {
namespace {

// A header that is longer holds no token of ours.
constexpr size_t kMaxHeaderBytes = 4096;

class OpenGate final : public Gatekeeper {
  absl::StatusOr<std::string> AdmitToken(std::string_view, std::string_view) const override { return std::string(); }
};

// "Bearer TOKEN" -> TOKEN.
absl::StatusOr<std::string_view> TokenOf(std::string_view authorization) {
  constexpr std::string_view kScheme = "bearer ";
  if (authorization.empty()) return absl::UnauthenticatedError("authorization: expected 'Bearer TOKEN', got nothing");
  const std::string scheme(authorization.substr(0, kScheme.size()));
  if (authorization.size() > kMaxHeaderBytes || !absl::EqualsIgnoreCase(scheme, "bearer ")) {
    return absl::UnauthenticatedError("authorization: expected 'Bearer TOKEN', got something else");
  }
  authorization.remove_prefix(kScheme.size());
  authorization.remove_prefix(std::min(authorization.find_first_not_of(' '), authorization.size()));
  return authorization.substr(0, authorization.find_last_not_of(' ') + 1);
}

// Compares with every token, whichever it is, so that time tells nothing.
const KnownToken* Find(const std::vector<KnownToken>& tokens, std::string_view token) {
  Sha256 hash;
  hash.Update(token.data(), token.size());
  const Sha256::Digest digest = hash.Finish();
  const KnownToken* found = nullptr;
  for (const KnownToken& known : tokens) {
    if (CRYPTO_memcmp(known.sha256.data(), digest.data(), digest.size()) == 0) found = &known;
  }
  return found;
}

void WarnIfOthersMayWrite(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || (info.st_mode & S_IWOTH) == 0) return;
  LogWarning("token file may be written by everybody", {{"file", path}});
}

using Tokens = std::vector<KnownToken>;

Watched<Tokens>::Source TokensOf(const std::string& path) {
  return {"token file",
          [path]() -> absl::StatusOr<Tokens> {
            ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxTokenFileBytes));
            return ParseTokens(text, path);
          },
          [path](const Tokens& tokens) {
            WarnIfOthersMayWrite(path);
            LogInfo("tokens read", {{"file", path}, {"tokens", static_cast<int64_t>(tokens.size())}});
          }};
}

class TokenGate final : public Gatekeeper {
 public:
  explicit TokenGate(std::unique_ptr<Watched<Tokens>> tokens) : tokens_(std::move(tokens)) {}

 private:
  absl::StatusOr<std::string> AdmitToken(std::string_view method, std::string_view authorization) const override {
    const Roles sufficient = SufficientRoles(method);
    if (sufficient == kOpen) return std::string();
    ASSIGN_OR_RETURN(const std::string_view token, TokenOf(authorization));
    const std::shared_ptr<const Tokens> tokens = tokens_->Current();
    const KnownToken* known = Find(*tokens, token);
    if (known == nullptr) return absl::UnauthenticatedError("token: expected one that is known here, got another");
    if ((known->roles & sufficient) != 0) return known->name;
    return absl::PermissionDeniedError(absl::StrCat("token '", known->name, "': expected the role ",
                                                    RoleNames(sufficient), " for ", std::string(method)));
  }

  const std::unique_ptr<Watched<Tokens>> tokens_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Gatekeeper>> Gatekeeper::Create(const std::string& token_file, const Clock& clock) {
  if (token_file.empty()) return std::make_unique<OpenGate>();
  absl::StatusOr<std::unique_ptr<Watched<Tokens>>> tokens = Watched<Tokens>::Create(TokensOf(token_file), clock);
  if (tokens.ok()) return std::make_unique<TokenGate>(*std::move(tokens));
  return absl::Status(tokens.status().code(), absl::StrCat("--token-file: ", std::string(tokens.status().message())));
}

}  // namespace beak
