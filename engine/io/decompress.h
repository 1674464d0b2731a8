#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace beak {

// What `bytes` hold where they are a .gz or .xz file, told by their first bytes; others are given back as they are.
// Nobody needs to have checked them. INVALID_ARGUMENT for what is corrupt, cut short or has bytes left over,
// RESOURCE_EXHAUSTED when more than `max_bytes` would come out. Sources: RFC 1952, the .xz file format 1.1.
absl::StatusOr<std::string> Decompress(std::string bytes, int64_t max_bytes);

// The contents of a file that may be compressed, in either form at most `max_bytes`. Errors name the path.
absl::StatusOr<std::string> ReadDataFile(const std::string& path, int64_t max_bytes);

}  // namespace beak
