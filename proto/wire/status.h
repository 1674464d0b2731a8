// Status values cross the wire here: absl::Status, which Beak uses everywhere, and grpc::Status.
#pragma once

#include <cstddef>

#include "absl/status/status.h"

namespace grpc {
class Status;
}

namespace beak::wire {

// A longer message is cut: it travels in the trailing metadata, which peers limit to 8 KiB, three bytes for each that
// must be escaped.
inline constexpr size_t kMaxStatusMessageBytes = 2048;

// Same code, message cut to kMaxStatusMessageBytes at a character's start. Payloads do not travel.
grpc::Status ToGrpcStatus(const absl::Status& status);

// Same code and message; a code that gRPC does not define becomes UNKNOWN.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace beak::wire
