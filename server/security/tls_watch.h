#pragma once

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/security/tls_files.h"

namespace beak {

// TLS files as they are now, for a front end that asks with each connection. What cannot be read, or does not belong
// together, is logged once, and what was there before stays. *Thread-safe.*
class TlsWatch {
 public:
  // What ReadTlsFiles says.
  static absl::StatusOr<std::unique_ptr<TlsWatch>> Create(const TlsFiles& files, const Clock& clock);

  // Looks at the files with the first call of each second. Another pointer means that they have changed.
  std::shared_ptr<const TlsContents> Current();

 private:
  TlsWatch(TlsFiles files, const Clock& clock) : files_(std::move(files)), clock_(clock) {}
  absl::Status Read();
  void ReadAgain();

  const TlsFiles files_;
  const Clock& clock_;
  absl::Status last_error_;  // of the thread that has made reading_ true
  std::atomic<bool> reading_{false};
  std::atomic<MonotonicTime> next_look_{MonotonicTime::min()};
  Mutex mutex_;
  std::shared_ptr<const TlsContents> contents_ GUARDED_BY(mutex_);
};

}  // namespace beak
