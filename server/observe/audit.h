#pragma once

#include <string>

#include "absl/status/status.h"

namespace beak {

// Who calls: the name of a token or certificate ("anonymous" where neither is asked for), and the address they call
// from, as the front end knows it. A job that publishes is "job ID", from nowhere.
struct Caller {
  std::string name = "anonymous";
  std::string peer;
};

// Writes one line of the log, "audit", for something that changed what the server serves or trains: who did what to
// which model or job (`kind`, and its name), and what came of it (a status code, and its message where that is not OK).
// Such lines are never suppressed, however many there are and whatever the log's level is. *Thread-safe.*
void Audit(const char* action, const char* kind, const std::string& name, const Caller& caller,
           const absl::Status& outcome);

}  // namespace beak
