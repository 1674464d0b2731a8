#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "engine/base/scoped_fd.h"

namespace beak {

// Makes a job's folder, and holds it against other processes (flock of its file "lock") until the descriptor that it
// gives is closed. Where another process has it: FAILED_PRECONDITION; with `wait`, it is called again and again until
// that ends, for a short time each (false: give up, CANCELLED).
absl::StatusOr<ScopedFd> LockJobFolder(const std::string& folder, const std::function<bool()>& wait = nullptr);

}  // namespace beak
