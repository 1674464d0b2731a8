#pragma once

#include <atomic>

#include "server/models/manager.h"

namespace beak {

// Whether the server as a whole takes requests: the first loading is over, whatever came of it, and the end has not
// begun. *Thread-safe.*
class Readiness {
 public:
  explicit Readiness(const ModelManager& models) : models_(models) {}

  bool ready() const { return models_.first_load_done() && !stopping(); }
  bool stopping() const { return stopping_.load(); }
  void Stop() { stopping_ = true; }

 private:
  const ModelManager& models_;
  std::atomic<bool> stopping_{false};
};

}  // namespace beak
