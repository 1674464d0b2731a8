#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "client/client.h"

namespace beak::cli {

// Which server, and how long it may take; the flags that all commands have.
struct Connection {
  std::string server = "127.0.0.1:8001";
  int64_t deadline_ms = 0;  // 0: the client's defaults

  client::ClientOptions Options() const;
  absl::StatusOr<std::unique_ptr<client::Client>> Connect() const;
};

}  // namespace beak::cli
