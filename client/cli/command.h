#pragma once

#include <functional>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "client/cli/connection.h"
#include "client/cli/outcome.h"

// What the files that declare subcommands share.
namespace beak::cli {

// What the command line asks for; done once all of it has been read.
using Command = std::function<absl::StatusOr<Outcome>()>;

// The flags that all commands have.
inline void AddConnection(CLI::App& app, Connection& connection) {
  app.add_option("--server", connection.server, "Address of the server")->capture_default_str()->type_name("HOST:PORT");
  app.add_option("--deadline-ms", connection.deadline_ms, "How long a call may take")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
}

}  // namespace beak::cli
