#pragma once

#include <memory>

#include "engine/base/clock.h"
#include "server/frontend/operations.h"
#include "server/http/http_message.h"
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

  // Answers the request, now or later.
  void Handle(std::shared_ptr<HttpExchange> exchange);

 private:
  Operations& operations_;
  Predictor& predictor_;
  const Gatekeeper& gatekeeper_;
  const Clock& clock_;
  const int64_t max_body_bytes_;  // of a body when it is decoded
};

}  // namespace beak
