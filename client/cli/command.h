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

inline void AddSecurity(CLI::App& app, SecurityFlags& flags) {
  const char* const group = "TLS and tokens";
  CLI::Option* ca = app.add_option("--tls-ca", flags.ca, "Encrypt; who has signed the server's certificate, in PEM")
                        ->type_name("FILE")
                        ->group(group);
  CLI::Option* certificate = app.add_option("--tls-cert", flags.certificate, "Certificate to show to the server")
                                 ->type_name("FILE")
                                 ->needs(ca)
                                 ->group(group);
  CLI::Option* key =
      app.add_option("--tls-key", flags.key, "Its key")->type_name("FILE")->needs(certificate)->group(group);
  certificate->needs(key);
  app.add_option("--tls-server-name", flags.server_name, "Name in the server's certificate, where --server has another")
      ->type_name("NAME")
      ->needs(ca)
      ->group(group);
  app.add_option("--token-file", flags.token_file,
                 "File with the token to show; the environment's BEAK_TOKEN if not given")
      ->type_name("FILE")
      ->group(group);
}

// The flags that all commands have.
inline void AddConnection(CLI::App& app, Connection& connection) {
  app.add_option("--server", connection.server, "Address of the server")->capture_default_str()->type_name("HOST:PORT");
  app.add_option("--deadline-ms", connection.deadline_ms, "How long a call may take")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  AddSecurity(app, connection.security);
}

}  // namespace beak::cli
