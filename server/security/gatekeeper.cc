#include "server/security/gatekeeper.h"

#include <openssl/crypto.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "server/security/roles.h"
#include "server/security/token_file.h"

namespace beak {
namespace {

// How often the file is looked at.
constexpr std::chrono::seconds kPeriod(1);
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

// What is known by the file `path`, which is looked at now and then.
class TokenGate final : public Gatekeeper {
 public:
  using Tokens = std::shared_ptr<const std::vector<KnownToken>>;

  TokenGate(std::string path, const Clock& clock) : path_(std::move(path)), clock_(clock) {}

  // What the file says now.
  absl::Status Read() const {
    ASSIGN_OR_RETURN(std::string text, ReadFile(path_, kMaxTokenFileBytes));
    if (has_read_ && text == text_) return absl::OkStatus();
    text_ = std::move(text);
    has_read_ = true;
    ASSIGN_OR_RETURN(std::vector<KnownToken> tokens, ParseTokens(text_, path_));
    WarnIfOthersMayWrite(path_);
    LogInfo("tokens read", {{"file", path_}, {"tokens", static_cast<int64_t>(tokens.size())}});
    Publish(std::make_shared<const std::vector<KnownToken>>(std::move(tokens)));
    return absl::OkStatus();
  }
  void PlanNextLook() const { next_look_ = clock_.Now() + kPeriod; }

 private:
  absl::StatusOr<std::string> AdmitToken(std::string_view method, std::string_view authorization) const override {
    const Roles sufficient = SufficientRoles(method);
    if (sufficient == kOpen) return std::string();
    ReadAgain();
    ASSIGN_OR_RETURN(const std::string_view token, TokenOf(authorization));
    const Tokens tokens = Current();
    const KnownToken* known = Find(*tokens, token);
    if (known == nullptr) return absl::UnauthenticatedError("token: expected one that is known here, got another");
    if ((known->roles & sufficient) != 0) return known->name;
    return absl::PermissionDeniedError(absl::StrCat("token '", known->name, "': expected the role ",
                                                    RoleNames(sufficient), " for ", std::string(method)));
  }

  // Where it is time for it. One thread does it, without a lock, while others go on with what is known.
  void ReadAgain() const {
    if (clock_.Now() < next_look_.load() || reading_.exchange(true)) return;
    const absl::Status read = Read();
    if (!read.ok() && read != last_error_) {
      LogError("token file not read, the tokens before it stay", {{"reason", std::string(read.message())}});
    }
    last_error_ = read;
    PlanNextLook();
    reading_ = false;
  }

  void Publish(Tokens tokens) const {
    MutexLock lock(mutex_);
    tokens_.swap(tokens);
  }
  Tokens Current() const {
    MutexLock lock(mutex_);
    return tokens_;
  }

  const std::string path_;
  const Clock& clock_;

  // Of the thread that has made reading_ true.
  mutable std::string text_;  // as it was read last
  mutable bool has_read_ = false;
  mutable absl::Status last_error_;

  mutable std::atomic<bool> reading_{false};
  mutable std::atomic<MonotonicTime> next_look_{MonotonicTime::min()};
  mutable Mutex mutex_;
  mutable Tokens tokens_ GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Gatekeeper>> Gatekeeper::Create(const std::string& token_file, const Clock& clock) {
  if (token_file.empty()) return std::make_unique<OpenGate>();
  auto gate = std::make_unique<TokenGate>(token_file, clock);
  const absl::Status read = gate->Read();
  if (!read.ok()) return absl::Status(read.code(), absl::StrCat("--token-file: ", std::string(read.message())));
  gate->PlanNextLook();
  return gate;
}

}  // namespace beak
