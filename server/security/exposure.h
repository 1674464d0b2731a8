#pragma once

#include <string>

#include "absl/status/status.h"

namespace beak {

// How a server that is about to listen is protected.
struct Exposure {
  std::string host;       // to listen on
  bool tls = false;       // what is said is encrypted
  bool tokens = false;    // callers are asked for one
  bool insecure = false;  // --allow-insecure
};

// Whether nobody but programs of this machine can reach a server that listens there: "localhost", 127.0.0.0/8, ::1.
// Other names are not looked up: what they mean may change.
bool IsLoopback(const std::string& host);

// FAILED_PRECONDITION, with what to do about it, where others can reach a server that does not encrypt: then whoever
// is on the way may read what is sent, tokens too.
absl::Status CheckExposure(const Exposure& exposure);

}  // namespace beak
