#include "client/cli/connection.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/file.h"
#include "engine/base/status.h"

namespace beak::cli {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{1} << 20;

// "" for no file.
absl::StatusOr<std::string> Read(const std::string& path) {
  if (path.empty()) return "";
  return ReadFile(path, kMaxFileBytes);
}

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  if (path.empty()) {
    const char* token = std::getenv("BEAK_TOKEN");
    return token == nullptr ? "" : token;
  }
  ASSIGN_OR_RETURN(std::string token, ReadFile(path, kMaxFileBytes));
  absl::StripAsciiWhitespace(&token);
  if (token.empty()) return absl::InvalidArgumentError(absl::StrCat("'", path, "': expected a token, got nothing"));
  return token;
}

}  // namespace

absl::StatusOr<client::Security> SecurityFlags::Read() const {
  client::Security security;
  ASSIGN_OR_RETURN(security.ca, cli::Read(ca));
  if (!ca.empty() && security.ca.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("'", ca, "': expected certificates, got nothing"));
  }
  ASSIGN_OR_RETURN(security.certificate, cli::Read(certificate));
  ASSIGN_OR_RETURN(security.key, cli::Read(key));
  security.server_name = server_name;
  ASSIGN_OR_RETURN(security.token, ReadToken(token_file));
  return security;
}

absl::StatusOr<client::ClientOptions> Connection::Options() const {
  client::ClientOptions options;
  if (deadline_ms > 0) {
    options.default_deadline = std::chrono::milliseconds(deadline_ms);
    options.connect_timeout = std::min<std::chrono::nanoseconds>(options.connect_timeout, options.default_deadline);
  }
  ASSIGN_OR_RETURN(options.security, security.Read());
  return options;
}

absl::StatusOr<std::unique_ptr<client::Client>> Connection::Connect() const {
  ASSIGN_OR_RETURN(const client::ClientOptions options, Options());
  return client::Client::Connect(server, options);
}

}  // namespace beak::cli
