#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "server/http/http_message.h"
#include "server/security/tls_watch.h"

namespace beak {

// Takes requests of HTTP/1.1 on one port and hands them to a function, on threads of its own. Connections cost no
// thread: those that send nothing, or a byte at a time, keep nobody else waiting and are cut off after a while.
// *Thread-safe.*
class HttpServer {
 public:
  // Called with a request whose body has not been read: an answer is sent at once, and the connection closed.
  using HeadCheck = std::function<std::optional<HttpResponse>(const HttpRequest& head)>;
  struct Options {
    std::string what = "http";  // names it in errors, logs and its threads
    std::string host = "127.0.0.1";
    int port = 8000;  // 0: a free one
    int threads = 1;
    int64_t max_body_bytes = int64_t{256} << 20;      // of a request; a larger one is answered 413
    int64_t max_held_bytes = int64_t{1} << 30;        // of requests that are coming in, together; beyond it 503
    int max_connections = 8192;                       // further ones are closed at once
    std::chrono::milliseconds head_patience{60'000};  // for a request's head to come, from the last answer on
    // For its body, and for an answer to be read, beside kMinBytesPerSecond.
    std::chrono::milliseconds body_patience{30'000};
    HeadCheck head_check;     // empty: every body is read
    TlsWatch* tls = nullptr;  // what it encrypts with, which must outlive it; null: nothing is encrypted
  };
  // A body, or an answer, that comes or goes slower than this and body_patience allow is cut off.
  static constexpr int64_t kMinBytesPerSecond = 16 << 10;

  // Called on the server's threads; must be quick. Whoever keeps the exchange answers it later.
  using Handler = std::function<void(std::shared_ptr<HttpExchange>)>;

  // Listens from now on. UNAVAILABLE where the address cannot be listened on; INVALID_ARGUMENT for TLS files that are
  // none.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Create(const Options& options, Handler handler);
  // Shuts down without patience, if that has not been done.
  virtual ~HttpServer() = default;

  virtual int port() const = 0;
  virtual int connections() const = 0;

  // Answers close their connections from now on, so that clients go elsewhere. Returns at once.
  virtual void AnnounceEnd() = 0;

  // Takes no new connections, and returns when all requests are answered that are being answered now, at `deadline` at
  // the latest. Call once.
  virtual void Shutdown(MonotonicTime deadline) = 0;
};

}  // namespace beak
