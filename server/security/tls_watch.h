#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "server/security/tls_files.h"
#include "server/security/watched.h"

namespace beak {

// The TLS files as they are now, for front ends that ask with each connection. *Thread-safe.*
using TlsWatch = Watched<TlsContents>;

// Null where there are no files: nothing is encrypted then. What ReadTlsFiles says.
absl::StatusOr<std::unique_ptr<TlsWatch>> WatchTlsFiles(const TlsFiles& files, const Clock& clock);

}  // namespace beak
