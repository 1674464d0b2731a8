#include "server/http/http_server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "engine/base/log.h"
#include "engine/base/thread.h"
#include "server/http/http_session.h"
#include "server/http/tls_context.h"
#include "server/observe/address.h"

namespace beak {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

// After an accept that failed, which is when descriptors have run out.
constexpr std::chrono::milliseconds kAcceptPause(100);

absl::Status CannotListen(const HttpServer::Options& options, const error_code& error) {
  return absl::UnavailableError(absl::StrCat(options.what, ": cannot listen on ", HostPort(options.host, options.port),
                                             "; does another program use the port? (", error.message(), ")"));
}

class BeastServer final : public HttpServer {
 public:
  BeastServer(const Options& options, Handler handler)
      : options_(options), shared_(options, std::move(handler)), acceptor_(context_), pause_(context_) {}
  ~BeastServer() override {
    if (!threads_.empty()) Shutdown(Clock::Real().Now());
  }

  absl::Status Start() {
    if (options_.tls != nullptr) {
      auto tls = TlsContexts::Create(*options_.tls);
      if (!tls.ok()) return tls.status();
      tls_ = *std::move(tls);
    }
    absl::Status listening = Listen();
    if (!listening.ok()) return listening;
    Accept();
    for (int i = 0; i < options_.threads; ++i) {
      threads_.push_back(StartThread(absl::StrCat("beak-", options_.what), [this] { context_.run(); }));
    }
    return absl::OkStatus();
  }

  int port() const override { return port_; }
  int connections() const override { return shared_.connections; }
  void AnnounceEnd() override { shared_.ending = true; }

  void Shutdown(MonotonicTime deadline) override {
    AnnounceEnd();
    asio::post(context_, [this] {
      error_code ignored;
      acceptor_.close(ignored);
      pause_.cancel();
    });
    shared_.calls.AwaitOpen(deadline);
    shared_.exchanges.EndAll();
    context_.stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  absl::Status Listen() {
    error_code error;
    const auto found = Tcp::resolver(context_).resolve(options_.host, absl::StrCat(options_.port), error);
    if (error) return CannotListen(options_, error);
    const Tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) return CannotListen(options_, error);
    port_ = acceptor_.local_endpoint().port();
    return absl::OkStatus();
  }

  // Each connection has a strand: its operations come one after the other, on whichever thread is free.
  void Accept() {
    acceptor_.async_accept(asio::make_strand(context_), [this](const error_code& error, Tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return AcceptLater(error);
      StartHttpSession(std::move(socket), tls_ ? tls_->Current() : nullptr, shared_);
      Accept();
    });
  }
  void AcceptLater(const error_code& error) {
    LogWarning("cannot accept a connection", {{"port", port_}, {"reason", error.message()}});
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([this](const error_code& cancelled) {
      if (!cancelled) Accept();
    });
  }

  const Options options_;
  HttpSessions shared_;
  std::unique_ptr<TlsContexts> tls_;  // null: in the clear
  asio::io_context context_;          // goes before what its operations use
  Tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  int port_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Create(const Options& options, Handler handler) {
  auto server = std::make_unique<BeastServer>(options, std::move(handler));
  absl::Status started = server->Start();
  if (!started.ok()) return started;
  return server;
}

}  // namespace beak
