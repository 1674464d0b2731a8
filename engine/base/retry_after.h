#pragma once

#include <chrono>
#include <optional>

#include "absl/status/status.h"

namespace beak {

// An error that says when trying again may help, and what it says: front ends pass it on to clients. Annotate does not
// keep it.
absl::Status WithRetryAfter(absl::Status status, std::chrono::milliseconds delay);
std::optional<std::chrono::milliseconds> RetryAfter(const absl::Status& status);

}  // namespace beak
