#include "client/cli/connection.h"

#include <algorithm>

namespace beak::cli {

client::ClientOptions Connection::Options() const {
  client::ClientOptions options;
  if (deadline_ms > 0) {
    options.default_deadline = std::chrono::milliseconds(deadline_ms);
    options.connect_timeout = std::min<std::chrono::nanoseconds>(options.connect_timeout, options.default_deadline);
  }
  return options;
}

absl::StatusOr<std::unique_ptr<client::Client>> Connection::Connect() const {
  return client::Client::Connect(server, Options());
}

}  // namespace beak::cli
