#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "server/security/tls_files.h"

namespace grpc {
class ServerCredentials;
}

namespace beak {

// What a gRPC server encrypts with. *Thread-safe.* Must outlive the server.
class GrpcTls {
 public:
  // What ReadTlsFiles says.
  static absl::StatusOr<std::unique_ptr<GrpcTls>> Create(const TlsFiles& files, const Clock& clock);
  virtual ~GrpcTls() = default;

  // For one port: TLS 1.2 or later by the files as they are when a connection begins (TlsWatch). Nothing is encrypted
  // where there are none; with a client CA, clients must show a certificate that it signed.
  virtual std::shared_ptr<grpc::ServerCredentials> Credentials() = 0;
};

}  // namespace beak
