#include "server/observe/endpoint.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>

#include <exception>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "server/observe/address.h"

namespace beak {
namespace {

// Enough for a scraper and a curious person; a client that neither sends nor reads is cut off.
constexpr char kThreads[] = "2";
constexpr char kRequestTimeoutMs[] = "10000";

class ExposerEndpoint final : public MetricsEndpoint {
 public:
  ExposerEndpoint(const std::string& address, std::shared_ptr<prometheus::Collectable> collectable)
      : collectable_(std::move(collectable)),
        exposer_(std::vector<std::string>{"listening_ports", address, "num_threads", kThreads, "request_timeout_ms",
                                          kRequestTimeoutMs}) {
    exposer_.RegisterCollectable(collectable_);
  }

  int port() const override { return exposer_.GetListeningPorts().at(0); }

 private:
  const std::shared_ptr<prometheus::Collectable> collectable_;
  prometheus::Exposer exposer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Create(const std::string& host, int port,
                                                                         const Metrics& metrics) {
  const std::string address = HostPort(host, port);
  try {
    return std::make_unique<ExposerEndpoint>(address, metrics.collectable());
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("metrics: cannot listen on ", address,
                                               "; does another program use the port? (", error.what(), ")"));
  }
}

}  // namespace beak
