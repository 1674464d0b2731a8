#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace beak {

// The whole of a regular file. NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT (not a regular file) or
// RESOURCE_EXHAUSTED (longer than `max_bytes`), each naming the path.
absl::StatusOr<std::string> ReadFile(const std::string& path, int64_t max_bytes);

// Writes a file whole or not at all: to a temporary name beside it, synced, then renamed.
absl::Status WriteFileAtomically(const std::string& path, const std::string& contents);
// The same for contents in pieces, one behind the other: what is large need not be put together in memory first.
absl::Status WriteFileAtomically(const std::string& path, std::span<const std::string_view> pieces);

// Gives a file or folder another name in the same folder, durably. Replaces a file, or an empty folder.
absl::Status RenameDurably(const std::string& from, const std::string& to);

// Names (without the folder) of what `path` holds, sorted; "." and ".." are left out.
absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path);

bool IsDirectory(const std::string& path);
bool IsRegularFile(const std::string& path);

// PERMISSION_DENIED unless `path`, with every symbolic link followed, is `root` or lies in it; NOT_FOUND where one of
// them is not there.
absl::Status CheckWithin(const std::string& root, const std::string& path);

}  // namespace beak
