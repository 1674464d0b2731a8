#pragma once

#include <functional>

#include "absl/status/statusor.h"
#include "server/predict/request.h"

namespace beak {

// Told the answer to a request, once, on whatever thread has it; must be quick.
using PredictDone = std::function<void(absl::StatusOr<PredictResponse>)>;

// A request that is under way. *Thread-safe.*
class Prediction {
 public:
  virtual ~Prediction() = default;

  // The client has lost interest: the request is answered now if it waits, and soon if it runs.
  virtual void Cancel() = 0;
};

}  // namespace beak
