#include "server/security/exposure.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "absl/strings/str_cat.h"

namespace beak {
namespace {

// "[::1]" -> "::1".
std::string WithoutBrackets(const std::string& host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

}  // namespace

bool IsLoopback(const std::string& host) {
  if (host == "localhost") return true;
  const std::string address = WithoutBrackets(host);
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

absl::Status CheckExposure(const Exposure& exposure) {
  if (exposure.insecure || exposure.tls || IsLoopback(exposure.host)) return absl::OkStatus();
  const char* got = exposure.tokens ? "tokens without TLS, which would be sent in the clear" : "neither TLS nor tokens";
  return absl::FailedPreconditionError(absl::StrCat(
      "--host=", exposure.host, ": expected TLS (--tls-cert, --tls-key) where other machines can connect, got ", got,
      "; --allow-insecure does it all the same"));
}

}  // namespace beak
