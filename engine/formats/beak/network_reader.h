#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/formats/beak/network.h"

namespace beak {

namespace v1 {
class Network;
}

// The largest text of a description.
inline constexpr int64_t kMaxNetworkTextBytes = int64_t{16} << 20;

// Reads a network's description (proto/beak/v1/network.proto) in protobuf's text form. INVALID_ARGUMENT with line and
// column where it is no such text. *Thread-safe.*
absl::StatusOr<v1::Network> ParseNetwork(const std::string& text);

// The network that a description tells. *Thread-safe.* INVALID_ARGUMENT names every wrong layer and field, one a line,
// as far as they can be told without what is wrong before them; RESOURCE_EXHAUSTED where there are more layers or
// parameters than a published model could have.
absl::StatusOr<DescribedNetwork> BuildNetwork(const v1::Network& description);

// Both, from a file; errors name it.
absl::StatusOr<DescribedNetwork> ReadNetworkFile(const std::string& path);

}  // namespace beak
