#pragma once

#include <string>

namespace beak::client {

// Whom a client believes, and what it shows of itself.
struct Security {
  // Certificates in PEM of which one must have signed the server's; empty: the connection is not encrypted.
  std::string ca;
  // The client's own, in PEM, where the server asks for one; with TLS only.
  std::string certificate;
  std::string key;
  // The name that the server's certificate must be for; empty: the host's of the address.
  std::string server_name;
  // Sent with each call as `authorization: Bearer TOKEN`; empty: none. Without TLS, whoever is on the way can read it.
  std::string token;
};

}  // namespace beak::client
