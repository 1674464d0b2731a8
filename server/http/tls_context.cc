#include "server/http/tls_context.h"

#include <boost/asio/ssl.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/status.h"

namespace beak {
namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

absl::Status Check(const error_code& error, const char* what) {
  if (!error) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("tls: ", what, ": ", error.message()));
}

absl::StatusOr<std::shared_ptr<ssl::context>> MakeContext(const TlsContents& contents) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                       ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  error_code error;
  context->use_certificate_chain(boost::asio::buffer(contents.certificate), error);
  RETURN_IF_ERROR(Check(error, "certificate"));
  context->use_private_key(boost::asio::buffer(contents.key), ssl::context::pem, error);
  RETURN_IF_ERROR(Check(error, "key"));
  if (contents.client_ca.empty()) return context;
  context->add_certificate_authority(boost::asio::buffer(contents.client_ca), error);
  RETURN_IF_ERROR(Check(error, "client CA"));
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  // Without it OpenSSL refuses to resume a session of a client that has shown a certificate.
  static constexpr unsigned char kSessions[] = "beak";
  SSL_CTX_set_session_id_context(context->native_handle(), kSessions, sizeof kSessions - 1);
  return context;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsContexts>> TlsContexts::Create(TlsWatch& watch) {
  std::unique_ptr<TlsContexts> contexts(new TlsContexts(watch));
  RETURN_IF_ERROR(contexts->Read());
  return contexts;
}

absl::Status TlsContexts::Read() {
  const std::shared_ptr<const TlsContents> contents = watch_.Current();
  if (contents == contents_) return absl::OkStatus();
  contents_ = contents;
  ASSIGN_OR_RETURN(context_, MakeContext(*contents));
  return absl::OkStatus();
}

std::shared_ptr<ssl::context> TlsContexts::Current() {
  const absl::Status read = Read();
  if (!read.ok()) LogError("tls files cannot be used", {{"reason", std::string(read.message())}});
  return context_;
}

}  // namespace beak
