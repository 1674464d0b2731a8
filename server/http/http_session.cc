#include "server/http/http_session.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "engine/base/mutex.h"

namespace beak {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tcp = asio::ip::tcp;
using boost::system::error_code;

constexpr uint32_t kMaxHeadBytes = 32 << 10;
constexpr size_t kReadBytes = 64 << 10;
constexpr std::chrono::seconds kHandshakePatience(10);
// So long what a client still sends is read and thrown away, so that it gets to see the answer.
constexpr std::chrono::seconds kClosePatience(2);

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }
absl::string_view Abseil(beast::string_view text) { return {text.data(), text.size()}; }

HttpResponse Error(int status, const std::string& text) {
  return {status, "application/json", {}, absl::StrCat("{\"error\":\"", text, "\"}")};
}

// How far a session has got with a request, for those that outlive one of the two.
class Session {
 public:
  virtual ~Session() = default;
  // To be sent as the answer to the session's request number `request`; from any thread.
  virtual void Deliver(int64_t request, HttpResponse response) = 0;
};

class Exchange final : public HttpExchange, public OpenExchanges::Member {
 public:
  Exchange(OpenExchanges& open, std::shared_ptr<Session> session, int64_t number, HttpRequest request)
      : open_(open), session_(std::move(session)), number_(number), request_(std::move(request)) {}
  ~Exchange() override {
    if (!answered_) session_->Deliver(number_, Error(500, "the request got lost"));
    session_.reset();
    open_.Remove(this);
  }

  const HttpRequest& request() const override { return request_; }
  std::string TakeBody() override { return std::move(request_.body); }

  void Answer(HttpResponse response) override {
    if (!answered_.exchange(true)) session_->Deliver(number_, std::move(response));
  }

  void OnHangUp(std::function<void()> cancel) override {
    {
      MutexLock lock(mutex_);
      if (!hung_up_) {
        cancel_ = std::move(cancel);
        return;
      }
    }
    cancel();
  }

  void HangUp() override {
    if (answered_) return;
    std::function<void()> cancel;
    {
      MutexLock lock(mutex_);
      hung_up_ = true;
      cancel.swap(cancel_);
    }
    if (cancel) cancel();
  }

 private:
  OpenExchanges& open_;
  std::shared_ptr<Session> session_;
  const int64_t number_;
  HttpRequest request_;
  std::atomic<bool> answered_{false};

  Mutex mutex_;
  bool hung_up_ GUARDED_BY(mutex_) = false;
  std::function<void()> cancel_ GUARDED_BY(mutex_);
};

// The common name of the certificate that a client has shown, "" where it has not.
std::string PeerName(SSL* connection) {
  const std::unique_ptr<X509, void (*)(X509*)> certificate(SSL_get1_peer_certificate(connection), X509_free);
  if (!certificate) return "";
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name, sizeof name);
  return name;
}

// What HTTP calls an error in a request's form.
int StatusOf(const error_code& error) {
  if (error == http::error::header_limit) return 431;
  if (error == http::error::body_limit) return 413;
  return 400;
}

// One connection, over TCP or over TLS on it. All of it runs on the strand of the socket, but for Deliver.
template <typename Stream>
class BeastSession final : public Session, public std::enable_shared_from_this<BeastSession<Stream>> {
 public:
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

  template <typename... Arguments>
  BeastSession(HttpSessions& shared, std::shared_ptr<asio::ssl::context> tls, Arguments&&... stream)
      : shared_(shared), tls_(std::move(tls)), stream_(std::forward<Arguments>(stream)...) {}
  ~BeastSession() override { --shared_.connections; }

  void Start() {
    asio::dispatch(stream_.get_executor(), [self = this->shared_from_this()] {
      error_code error;
      const auto peer = self->Socket().remote_endpoint(error);
      if (error) return;
      self->peer_ = absl::StrCat(peer.address().to_string(), ":", peer.port());
      self->Socket().set_option(Tcp::no_delay(true), error);
      self->Shake();
    });
  }

  void Deliver(int64_t request, HttpResponse response) override {
    asio::post(stream_.get_executor(),
               [self = this->shared_from_this(), request, response = std::move(response)]() mutable {
                 if (request == self->number_ && self->call_) self->Send(std::move(response), self->keep_alive_);
               });
  }

 private:
  beast::tcp_stream& Lowest() { return beast::get_lowest_layer(stream_); }
  Tcp::socket& Socket() { return Lowest().socket(); }
  // The session's own, as a handler of one of its operations.
  template <typename Method>
  auto Then(Method method) {
    return beast::bind_front_handler(method, this->shared_from_this());
  }

  void Shake() {
    if constexpr (kTls) {
      Lowest().expires_after(kHandshakePatience);
      stream_.async_handshake(asio::ssl::stream_base::server, Then(&BeastSession::OnShaken));
    } else {
      ReadHead();
    }
  }
  void OnShaken(const error_code& error) {
    if (error) return;
    if constexpr (kTls) peer_name_ = PeerName(stream_.native_handle());
    ReadHead();
  }

  void ReadHead() {
    ++number_;
    parser_.emplace();
    parser_->header_limit(kMaxHeadBytes);
    parser_->body_limit(static_cast<uint64_t>(shared_.options.max_body_bytes));
    Lowest().expires_after(shared_.options.head_patience);
    http::async_read_header(stream_, buffer_, *parser_, Then(&BeastSession::OnHead));
  }
  void OnHead(const error_code& error, size_t) {
    if (error == http::error::end_of_stream) return Close();
    if (error) return OnBadRequest(error);
    body_begin_ = std::chrono::steady_clock::now();
    keep_alive_ = parser_->keep_alive();
    TakeHead();
    if (!parser_->is_done() && shared_.options.head_check) {
      if (auto refusal = shared_.options.head_check(request_)) return Refuse(*std::move(refusal));
    }
    if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
      continue_ = {http::status::continue_, parser_->get().version()};
      Lowest().expires_after(shared_.options.body_patience);
      return http::async_write(stream_, continue_, Then(&BeastSession::OnContinue));
    }
    ReadBody();
  }
  void TakeHead() {
    const auto& head = parser_->get();
    request_.method = std::string(View(head.method_string()));
    request_.target = std::string(View(head.target()));
    for (const auto& field : head) {
      request_.headers.emplace_back(absl::AsciiStrToLower(Abseil(field.name_string())), View(field.value()));
    }
    request_.peer = peer_;
    request_.peer_name = peer_name_;
    head_only_ = head.method() == http::verb::head;
  }
  void OnContinue(const error_code& error, size_t) {
    if (!error) ReadBody();
  }

  void ReadBody() {
    if (parser_->is_done()) return Dispatch();
    buffer_.reserve(kReadBytes);  // the library reads as much as there is room for
    Lowest().expires_at(body_begin_ + Patience(parser_->get().body().size()));
    http::async_read_some(stream_, buffer_, *parser_, Then(&BeastSession::OnBody));
  }
  void OnBody(const error_code& error, size_t) {
    if (error) return OnBadRequest(error);
    if (!Hold(static_cast<int64_t>(parser_->get().body().size()))) {
      return Refuse(Error(503, "too many bytes of requests are coming in; try again"));
    }
    ReadBody();
  }

  void OnBadRequest(const error_code& error) {
    const bool spoken = error.category() == http::make_error_code(http::error::bad_value).category();
    if (!spoken || error == http::error::partial_message) return;  // the connection has gone, or is too slow
    Refuse(
        Error(StatusOf(error), error == http::error::body_limit
                                   ? absl::StrCat("body: expected at most ", shared_.options.max_body_bytes, " bytes")
                                   : absl::StrCat("request: ", error.message())));
  }

  // What this connection holds is counted as it comes: a length that is announced costs nothing yet.
  bool Hold(int64_t bytes) {
    const int64_t all = shared_.held_bytes += bytes - held_;
    held_ = bytes;
    return all <= shared_.options.max_held_bytes || bytes == 0;
  }

  std::chrono::milliseconds Patience(size_t bytes) const {
    return shared_.options.body_patience +
           std::chrono::seconds(static_cast<int64_t>(bytes) / HttpServer::kMinBytesPerSecond);
  }

  void Dispatch() {
    request_.body = std::move(parser_->get().body());
    call_.emplace(shared_.calls);
    const auto exchange =
        std::make_shared<Exchange>(shared_.exchanges, this->shared_from_this(), number_, std::exchange(request_, {}));
    shared_.exchanges.Add(exchange);
    exchange_ = exchange;
    Lowest().expires_never();
    Watch();
    shared_.handler(exchange);
  }

  // Notices that the client hangs up while it waits for its answer. A request that comes early is left for later.
  void Watch() {
    if (watching_) return;
    watching_ = true;
    Socket().async_wait(Tcp::socket::wait_read, [self = this->shared_from_this()](const error_code& error) {
      self->watching_ = false;
      const std::shared_ptr<Exchange> exchange = self->exchange_.lock();
      if (error || !self->call_ || !exchange) return;
      if (self->HungUp()) return exchange->HangUp();
      error_code ignored;
      if (self->Socket().available(ignored) == 0) self->Watch();
    });
  }
  bool HungUp() {
    tcp_info info{};
    socklen_t size = sizeof info;
    return getsockopt(Socket().native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_state != TCP_ESTABLISHED;
  }

  // Answers a request that has not been read to its end.
  void Refuse(HttpResponse answer) {
    request_ = {};
    call_.emplace(shared_.calls);
    Send(std::move(answer), false);
  }

  void Send(HttpResponse answer, bool keep_alive) {
    exchange_.reset();
    Hold(0);
    buffer_.shrink_to_fit();  // connections that say nothing hold nothing
    response_ = {static_cast<http::status>(answer.status), 11};
    response_.set(http::field::server, "beak");
    if (!answer.content_type.empty()) response_.set(http::field::content_type, answer.content_type);
    for (const auto& [name, value] : answer.headers) response_.set(name, value);
    response_.content_length(answer.body.size());
    if (!head_only_) response_.body() = std::move(answer.body);
    response_.keep_alive(keep_alive && !shared_.ending);
    Lowest().expires_after(Patience(response_.body().size()));
    http::async_write(stream_, response_, Then(&BeastSession::OnSent));
  }
  void OnSent(const error_code& error, size_t) {
    const bool more = !error && response_.keep_alive();
    call_.reset();
    response_ = {};
    head_only_ = false;
    if (error) return;
    return more ? ReadHead() : Close();
  }

  // Says that nothing more comes, and reads what the client still sends.
  void Close() {
    Lowest().expires_after(kClosePatience);
    if constexpr (kTls) {
      stream_.async_shutdown([self = this->shared_from_this()](const error_code&) {});
    } else {
      error_code ignored;
      Socket().shutdown(Tcp::socket::shutdown_send, ignored);
      ThrowAway();
    }
  }
  void ThrowAway() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kReadBytes),
                            [self = this->shared_from_this()](const error_code& error, size_t) {
                              if (!error) self->ThrowAway();
                            });
  }

  HttpSessions& shared_;
  const std::shared_ptr<asio::ssl::context> tls_;  // the stream's
  Stream stream_;
  std::string peer_;
  std::string peer_name_;
  beast::flat_buffer buffer_{kMaxHeadBytes + kReadBytes};
  std::optional<http::request_parser<http::string_body>> parser_;
  HttpRequest request_;  // that is being read
  http::response<http::empty_body> continue_;
  http::response<http::string_body> response_;
  std::optional<OpenCalls::Call> call_;  // of the request that is being answered
  std::weak_ptr<Exchange> exchange_;     // the same, until there is an answer
  std::chrono::steady_clock::time_point body_begin_;
  int64_t number_ = 0;  // of the request
  int64_t held_ = 0;
  bool keep_alive_ = false;
  bool head_only_ = false;
  bool watching_ = false;
};

}  // namespace

void OpenExchanges::Add(const std::shared_ptr<Member>& member) {
  MutexLock lock(mutex_);
  members_[member.get()] = member;
}

void OpenExchanges::Remove(const Member* member) {
  MutexLock lock(mutex_);
  members_.erase(member);
  if (members_.empty()) gone_.NotifyAll();
}

void OpenExchanges::EndAll() {
  std::vector<std::shared_ptr<Member>> left;
  {
    MutexLock lock(mutex_);
    for (const auto& [key, member] : members_) {
      if (std::shared_ptr<Member> alive = member.lock()) left.push_back(std::move(alive));
    }
  }
  for (const std::shared_ptr<Member>& member : left) member->HangUp();
  left.clear();
  MutexLock lock(mutex_);
  while (!members_.empty()) gone_.Wait(mutex_);
}

void StartHttpSession(Tcp::socket socket, std::shared_ptr<asio::ssl::context> tls, HttpSessions& shared) {
  if (++shared.connections > shared.options.max_connections) {
    --shared.connections;
    return;
  }
  if (tls) {
    asio::ssl::context& context = *tls;
    std::make_shared<BeastSession<beast::ssl_stream<beast::tcp_stream>>>(shared, std::move(tls), std::move(socket),
                                                                         context)
        ->Start();
  } else {
    std::make_shared<BeastSession<beast::tcp_stream>>(shared, nullptr, std::move(socket))->Start();
  }
}

}  // namespace beak
