#pragma once

#include <memory>

#include "server/security/tls_watch.h"

namespace grpc {
class ServerCredentials;
}

namespace beak {

// What a gRPC server encrypts with. *Thread-safe.* Must outlive the server.
class GrpcTls {
 public:
  // By the files that are watched, which must outlive it; null: nothing is encrypted.
  static std::unique_ptr<GrpcTls> Create(TlsWatch* watch);
  virtual ~GrpcTls() = default;

  // For one port: TLS 1.2 or later by the files as they are when a connection begins. With a client CA, clients must
  // show a certificate that it signed.
  virtual std::shared_ptr<grpc::ServerCredentials> Credentials() = 0;
};

}  // namespace beak
