#pragma once

#include <memory>

#include "server/http/http_message.h"
#include "server/models/readiness.h"
#include "server/observe/metrics.h"
#include "server/security/gatekeeper.h"

namespace beak {

// What watches the server asks it: GET /metrics for Prometheus, /livez and /readyz for Kubernetes, which answer 200 or
// 503 whatever tokens there are. *Thread-safe.* The others must outlive it.
class MonitoringService {
 public:
  MonitoringService(const Metrics& metrics, const Readiness& readiness, const Gatekeeper& gatekeeper)
      : metrics_(metrics), readiness_(readiness), gatekeeper_(gatekeeper) {}

  void Handle(const std::shared_ptr<HttpExchange>& exchange) const;

 private:
  HttpResponse Respond(const HttpRequest& request) const;
  HttpResponse RespondMetrics(const HttpRequest& request) const;

  const Metrics& metrics_;
  const Readiness& readiness_;
  const Gatekeeper& gatekeeper_;
};

}  // namespace beak
