#include "server/grpc/tls.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <string>
#include <utility>

namespace beak {
namespace {

// gRPC's credentials of C, which alone ask for certificates with each connection and go on with those they have where
// there are no better ones; the C++ ones that read files themselves lose both where a file is bad for a moment.
class CoreCredentials final : public grpc::ServerCredentials {
 public:
  explicit CoreCredentials(grpc_server_credentials* credentials) : credentials_(credentials) {}
  ~CoreCredentials() override { grpc_server_credentials_release(credentials_); }

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}  // nobody calls it

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  grpc_server_credentials* const credentials_;
};

class GrpcTlsImpl final : public GrpcTls {
 public:
  explicit GrpcTlsImpl(TlsWatch& watch) : watch_(watch), ask_clients_(!watch.Current()->client_ca.empty()) {}

  std::shared_ptr<grpc::ServerCredentials> Credentials() override {
    const auto clients = ask_clients_ ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                      : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;
    grpc_ssl_server_credentials_options* options =
        grpc_ssl_server_credentials_create_options_using_config_fetcher(clients, &GrpcTlsImpl::Fetch, this);
    return std::make_shared<CoreCredentials>(grpc_ssl_server_credentials_create_with_options(options));
  }

 private:
  // gRPC calls it with each connection, one at a time.
  static grpc_ssl_certificate_config_reload_status Fetch(void* self, grpc_ssl_server_certificate_config** config) {
    return static_cast<GrpcTlsImpl*>(self)->FetchInto(config);
  }
  grpc_ssl_certificate_config_reload_status FetchInto(grpc_ssl_server_certificate_config** config) {
    std::shared_ptr<const TlsContents> now = watch_.Current();
    if (now == given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    given_ = std::move(now);
    const grpc_ssl_pem_key_cert_pair pair = {given_->key.c_str(), given_->certificate.c_str()};
    // gRPC insists on roots, though it never looks at them where clients are not asked for certificates.
    const std::string& roots = ask_clients_ ? given_->client_ca : given_->certificate;
    *config = grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  TlsWatch& watch_;
  const bool ask_clients_;
  std::shared_ptr<const TlsContents> given_;  // to gRPC
};

class NoTls final : public GrpcTls {
 public:
  std::shared_ptr<grpc::ServerCredentials> Credentials() override { return grpc::InsecureServerCredentials(); }
};

}  // namespace

std::unique_ptr<GrpcTls> GrpcTls::Create(TlsWatch* watch) {
  if (watch == nullptr) return std::make_unique<NoTls>();
  return std::make_unique<GrpcTlsImpl>(*watch);
}

}  // namespace beak
