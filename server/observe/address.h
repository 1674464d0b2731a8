#pragma once

#include <string>

#include "absl/strings/str_cat.h"

namespace beak {

// "127.0.0.1:8001", "[::1]:8001": how an address to listen on is written.
inline std::string HostPort(const std::string& host, int port) {
  const bool bare_ipv6 = host.find(':') != std::string::npos && host.front() != '[';
  return bare_ipv6 ? absl::StrCat("[", host, "]:", port) : absl::StrCat(host, ":", port);
}

}  // namespace beak
