#include "server/observe/endpoint.h"

#include <netdb.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "engine/base/mutex.h"
#include "engine/base/thread.h"
#include "server/observe/address.h"

namespace beak {
namespace {

// Enough for a scraper and a curious person; a client that neither sends nor reads is cut off.
constexpr char kThreads[] = "2";
constexpr char kRequestTimeoutMs[] = "10000";

// Opens a connection and closes it.
void Knock(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* addresses = nullptr;
  if (getaddrinfo(host.c_str(), absl::StrCat(port).c_str(), &hints, &addresses) != 0) return;
  const int fd = socket(addresses->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0) {
    static_cast<void>(connect(fd, addresses->ai_addr, addresses->ai_addrlen));
    close(fd);
  }
  freeaddrinfo(addresses);
}

// civetweb, on which the exposer stands, looks every two seconds whether it is to stop, and when somebody connects.
// Lives for as long as the exposer is being stopped.
class Knocker {
 public:
  Knocker(const std::string& host, int port) {
    thread_ = StartThread("beak-knock", [this, host, port] { Run(host, port); });
  }
  ~Knocker() {
    {
      MutexLock lock(mutex_);
      done_ = true;
      changed_.NotifyAll();
    }
    thread_.join();
  }

 private:
  void Run(const std::string& host, int port) {
    while (!Done()) Knock(host, port);
  }
  // Waits a moment for it.
  bool Done() EXCLUDES(mutex_) {
    constexpr std::chrono::milliseconds kBetweenKnocks(5);
    const auto until = std::chrono::steady_clock::now() + kBetweenKnocks;
    MutexLock lock(mutex_);
    while (!done_ && std::chrono::steady_clock::now() < until) changed_.WaitUntil(mutex_, until);
    return done_;
  }

  Mutex mutex_;
  CondVar changed_;
  bool done_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

class ExposerEndpoint final : public MetricsEndpoint {
 public:
  ExposerEndpoint(const std::string& host, int port, std::shared_ptr<prometheus::Collectable> collectable)
      : host_(host),
        collectable_(std::move(collectable)),
        exposer_(std::make_unique<prometheus::Exposer>(
            std::vector<std::string>{"listening_ports", HostPort(host, port), "num_threads", kThreads,
                                     "request_timeout_ms", kRequestTimeoutMs})) {
    exposer_->RegisterCollectable(collectable_);
  }
  ~ExposerEndpoint() override {
    const Knocker knocker(host_, port());
    exposer_.reset();
  }

  int port() const override { return exposer_->GetListeningPorts().at(0); }

 private:
  const std::string host_;
  const std::shared_ptr<prometheus::Collectable> collectable_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Create(const std::string& host, int port,
                                                                         const Metrics& metrics) {
  try {
    return std::make_unique<ExposerEndpoint>(host, port, metrics.collectable());
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("metrics: cannot listen on ", HostPort(host, port),
                                               "; does another program use the port? (", error.what(), ")"));
  }
}

}  // namespace beak
