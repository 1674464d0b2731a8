// The HTTP server over TLS, with clients that check it and that it checks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <string>

#include "server/http/http_server.h"
#include "tests/server/http/http_client.h"
#include "tests/support/certificates.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace beak {
namespace {

namespace asio = boost::asio;

using testing::CertificateAuthority;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::HttpClient;
using ::testing::Not;
using testing::PemPair;

// For the server to look at its files again.
constexpr std::chrono::seconds kLongEnough(1);

class HttpsTest : public ::testing::Test {
 protected:
  HttpsTest() {
    options_.port = 0;
    Write(authority_.Issue("first"));
    files_ = {dir_ / "cert.pem", dir_ / "key.pem", ""};
  }

  void Write(const PemPair& pair) {
    dir_.Write("cert.pem", pair.certificate);
    dir_.Write("key.pem", pair.key);
  }

  // Answers with the common name of the client's certificate.
  void Start() {
    ASSERT_OK_AND_ASSIGN(tls_, WatchTlsFiles(files_, clock_));
    options_.tls = tls_.get();
    ASSERT_OK_AND_ASSIGN(server_, HttpServer::Create(options_, [](const std::shared_ptr<HttpExchange>& exchange) {
                           HttpResponse response;
                           response.body = "you are '" + exchange->request().peer_name + "'";
                           exchange->Answer(std::move(response));
                         }));
  }

  // What a client is answered that trusts the authority, and shows `own` if it has a key; or what went wrong. The
  // server's common name goes to `server_name`.
  std::string Ask(const PemPair& own = {}, std::string* server_name = nullptr,
                  asio::ssl::context::method method = asio::ssl::context::tls_client) {
    asio::ssl::context context(method);
    context.add_certificate_authority(asio::buffer(authority_.pem()));
    context.set_verify_mode(asio::ssl::verify_peer);
    if (!own.key.empty()) {
      context.use_certificate_chain(asio::buffer(own.certificate));
      context.use_private_key(asio::buffer(own.key), asio::ssl::context::pem);
    }
    asio::io_context io;
    asio::ssl::stream<asio::ip::tcp::socket> stream(io, context);
    boost::system::error_code error;
    const asio::ip::tcp::endpoint address(asio::ip::address_v4::loopback(), static_cast<uint16_t>(server_->port()));
    stream.lowest_layer().connect(address, error);
    if (!error) stream.handshake(asio::ssl::stream_base::client, error);
    if (!error) asio::write(stream, asio::buffer(std::string("GET / HTTP/1.1\r\nConnection: close\r\n\r\n")), error);
    std::string answer;
    if (!error) asio::read(stream, asio::dynamic_buffer(answer), error);
    if (server_name != nullptr && !answer.empty()) {
      X509* certificate = SSL_get1_peer_certificate(stream.native_handle());
      char name[64] = {};
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
      X509_free(certificate);
      *server_name = name;
    }
    return answer.empty() ? "error: " + error.message() : answer;
  }

  const testing::TempDir dir_;
  const CertificateAuthority authority_;
  TlsFiles files_;
  testing::FakeClock clock_;
  std::unique_ptr<TlsWatch> tls_;
  HttpServer::Options options_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpsTest, AnswersWhoeverTrustsIt) {
  Start();
  EXPECT_THAT(Ask(), EndsWith("you are ''"));
}

TEST_F(HttpsTest, SaysNothingInTheClear) {
  Start();
  HttpClient client(server_->port());
  EXPECT_THAT(client.Exchange("GET / HTTP/1.1\r\n\r\n"), Not(HasSubstr("HTTP")));
}

TEST_F(HttpsTest, SpeaksNoOldVersion) {
  Start();
  EXPECT_THAT(Ask({}, nullptr, asio::ssl::context::tlsv12_client), EndsWith("you are ''"));
  EXPECT_THAT(Ask({}, nullptr, asio::ssl::context::tlsv11_client), HasSubstr("error: "));
}

TEST_F(HttpsTest, ASilentHandshakeKeepsNobodyWaiting) {
  Start();
  HttpClient silent(server_->port());
  ASSERT_TRUE(silent.Send("\x16\x03"));
  EXPECT_THAT(Ask(), EndsWith("you are ''"));
}

TEST_F(HttpsTest, ClientsMayBeAskedForACertificate) {
  files_.client_ca = dir_.Write("ca.pem", authority_.pem());
  Start();
  EXPECT_THAT(Ask(authority_.Issue("robot 7")), EndsWith("you are 'robot 7'"));
  EXPECT_THAT(Ask(), HasSubstr("error: "));
  EXPECT_THAT(Ask(CertificateAuthority().Issue("stranger")), HasSubstr("error: "));
}

TEST_F(HttpsTest, FilesThatChangeAreUsed) {
  Start();
  std::string name;
  EXPECT_THAT(Ask({}, &name), EndsWith("you are ''"));
  EXPECT_EQ(name, "first");
  dir_.Write("cert.pem", "nonsense");
  clock_.Advance(kLongEnough);
  EXPECT_THAT(Ask({}, &name), EndsWith("you are ''"));
  EXPECT_EQ(name, "first") << "what was there stays in use";
  Write(authority_.Issue("second"));
  clock_.Advance(kLongEnough);
  EXPECT_THAT(Ask({}, &name), EndsWith("you are ''"));
  EXPECT_EQ(name, "second");
}

}  // namespace
}  // namespace beak
