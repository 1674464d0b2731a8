#pragma once

#include <memory>
#include <optional>

#include "engine/base/clock.h"
#include "server/frontend/operations.h"
#include "server/http/http_message.h"
#include "server/http/route.h"
#include "server/predict/predictor.h"
#include "server/security/gatekeeper.h"

namespace beak {

// The Open Inference Protocol over HTTP: converts and delegates, as the gRPC services do. *Thread-safe.* The others
// must outlive it and its requests.
class RestService {
 public:
  RestService(Operations& operations, Predictor& predictor, const Gatekeeper& gatekeeper, const Clock& clock,
              int64_t max_body_bytes)
      : operations_(operations),
        predictor_(predictor),
        gatekeeper_(gatekeeper),
        clock_(clock),
        max_body_bytes_(max_body_bytes) {}

  // The answer to a request that is not for this caller, or for nobody, which its head tells.
  std::optional<HttpResponse> Refuse(const HttpRequest& head) const { return Admit(head).refusal; }

  // Answers the request, now or later.
  void Handle(std::shared_ptr<HttpExchange> exchange);

 private:
  struct Admission {
    std::optional<HttpResponse> refusal;
    Route route = {};
    Caller caller = {};
  };
  Admission Admit(const HttpRequest& request) const;

  Operations& operations_;
  Predictor& predictor_;
  const Gatekeeper& gatekeeper_;
  const Clock& clock_;
  const int64_t max_body_bytes_;  // of a body when it is decoded
};

}  // namespace beak
