#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/client.h"

namespace beak::cli {

// The flags by which a command and its server know each other.
struct SecurityFlags {
  std::string ca;  // files in PEM, here and below
  std::string certificate;
  std::string key;
  std::string server_name;
  std::string token_file;  // empty: the environment's BEAK_TOKEN, if that is set

  // Reads the files. INVALID_ARGUMENT, NOT_FOUND: which one, and what is wrong.
  absl::StatusOr<client::Security> Read() const;
};

// Which server, and how long it may take; the flags that all commands have.
struct Connection {
  std::string server = "127.0.0.1:8001";
  int64_t deadline_ms = 0;  // 0: the client's defaults
  SecurityFlags security;

  absl::StatusOr<client::ClientOptions> Options() const;
  absl::StatusOr<std::unique_ptr<client::Client>> Connect() const;
};

}  // namespace beak::cli
