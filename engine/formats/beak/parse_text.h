#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace beak {

// Reads a message from protobuf's text form. INVALID_ARGUMENT with line and column where it is no such text, also where
// it nests deeper than any of ours; RESOURCE_EXHAUSTED where it is longer than `max_bytes`. Nothing is printed.
// *Thread-safe.*
absl::Status ParseText(const std::string& text, int64_t max_bytes, google::protobuf::Message& message);

}  // namespace beak
